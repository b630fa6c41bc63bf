/**
 * The sending half of a simulated provider: it accepts exactly the messages that the provider's documentation
 * allows, and reports their statuses by webhook. The particulars of a provider are in its own file.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { startApiServer, type ApiAnswer, type ApiCall, type WireAnswer } from './calls.js';
import {
  inspect,
  type Inspection,
  type MediaFacts,
  type MediaOffer,
  type MediaProblem,
  type MediaRule,
} from './media-inspection.js';
import { createRate, type Rate, type RateLimit } from './rate.js';
import type { Failure, SimulatedStatus, Webhook } from './report.js';

/** A message that the provider will accept unless something interferes. */
export interface Taken {
  readonly id: string;
  readonly to: string;
  /** The media to examine, or the result if they were examined before the message was accepted. */
  readonly media: { readonly offer: MediaOffer; readonly rule: MediaRule } | { readonly found: Inspection };
  /** The webhooks that report this status; none if the provider reports nothing. */
  readonly report: (status: SimulatedStatus, failure: Failure | null) => readonly Webhook[];
  /** The report about media that turn out to be unsuitable after the message was accepted. */
  readonly failureOf?: (problem: MediaProblem) => Failure;
}

/** An accepted message, or only a response. */
export interface Ruling {
  readonly answer: ApiAnswer;
  readonly taken?: Taken;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** Whether it counts towards the rate of messages. */
  readonly sends: boolean;
  readonly handle: (call: ApiCall) => Ruling | Promise<Ruling>;
}

export interface ApiRules {
  readonly routes: readonly Route[];
  /** A short error, for unknown routes and methods. */
  readonly problem: (status: number, message: string) => ApiAnswer;
  readonly tooMany: (retryAfterSeconds: number, call: ApiCall) => ApiAnswer;
  /** The headers of every response. */
  readonly headers?: (rate: Rate | undefined) => Readonly<Record<string, string>>;
  /** The delays before a refused webhook is sent again, in milliseconds after the previous attempt. */
  readonly resendsAfterMs: readonly number[];
}

/**
 * `hang`, `cut`, `garbage`: the message is accepted, and the response is missing, cut off, or not
 * understandable. `error`: it is not accepted, and the response is 500. `fail`: it is accepted and fails
 * later.
 */
export type Fault = 'hang' | 'cut' | 'garbage' | 'error' | 'fail';

export interface AcceptedSend {
  readonly id: string;
  readonly to: string;
  readonly at: Date;
  /** The request: its JSON, or the fields of its form. */
  readonly request: unknown;
  /** Null until the provider has the bytes. */
  readonly media: MediaFacts | null;
  readonly failure: Failure | null;
}

export interface RefusedCall {
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  readonly answer: ApiAnswer;
}

export interface SentReport {
  readonly at: Date;
  readonly messageId: string;
  readonly status: SimulatedStatus;
  /** The HTTP status of the service's response; null if there was none. */
  readonly answer: number | null;
}

export interface ApiOptions {
  readonly port?: number;
  readonly rate?: RateLimit;
  /** The reports about a successful message, in this order. */
  readonly statuses?: readonly SimulatedStatus[];
  /** The pause between two reports. */
  readonly reportDelayMs?: number;
}

export interface ProviderApi {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly origin: string;
  /** The records, oldest first. */
  readonly accepted: readonly AcceptedSend[];
  readonly refused: readonly RefusedCall[];
  readonly reports: readonly SentReport[];
  /** The rules of the provider; without them everything is refused. */
  readonly obey: (rules: ApiRules) => void;
  /** What happens to the next acceptable messages, one entry each. */
  readonly misbehave: (...faults: readonly Fault[]) => void;
  /** Sets the URL for webhooks. Without it, there are none. */
  readonly reportTo: (serviceUrl: string) => void;
  readonly inspect: (offer: MediaOffer, rule: MediaRule) => Promise<Inspection>;
  readonly close: () => Promise<void>;
}

/** An accepted message, which is updated while it progresses. */
type OpenSend = { -readonly [Name in keyof AcceptedSend]: AcceptedSend[Name] };

/** Starts the API of one provider on its own port, which separates providers with the same paths. */
export async function startProviderApi(options: ApiOptions = {}): Promise<ProviderApi> {
  const rate = options.rate && createRate(options.rate);
  const accepted: OpenSend[] = [];
  const refused: RefusedCall[] = [];
  const faults: Fault[] = [];
  const closed = new AbortController();
  const rulebook: Rulebook = { rules: noRules, rate };
  const reporter = createReporter({ ...options, rulebook, signal: closed.signal });

  const accept = (call: ApiCall, taken: Taken, fails: boolean): void => {
    const { id, to } = taken;
    const send: OpenSend = {
      id,
      to,
      at: new Date(),
      request: call.json ?? call.fields,
      media: null,
      failure: null,
    };
    accepted.push(send);
    // Rejects only when the simulator is closed.
    void reporter.follow(send, taken, fails).catch(() => undefined);
  };
  const answer = async (call: ApiCall): Promise<WireAnswer> => {
    const { rules } = rulebook;
    const { answer: given, taken } = await ruleOn(call, rulebook);
    const withHeaders = { ...given, headers: { ...rules.headers?.(rate), ...given.headers } };
    if (taken === undefined) {
      if (given.status >= 400)
        refused.push({ at: new Date(), method: call.method, path: call.path, answer: given });
      return withHeaders;
    }
    const fault = faults.shift();
    if (fault === 'error') return rules.problem(500, 'Something went wrong here');
    accept(call, taken, fault === 'fail');
    return fault === undefined || fault === 'fail' ? withHeaders : fault;
  };

  const server = await startApiServer(answer, options.port);
  return {
    host: server.host,
    origin: server.origin,
    accepted,
    refused,
    reports: reporter.reports,
    obey: (theirs) => {
      rulebook.rules = theirs;
    },
    misbehave: (...next) => {
      faults.push(...next);
    },
    reportTo: reporter.reportTo,
    inspect: (offer, mediaRule) => inspect(offer, mediaRule, closed.signal),
    close: async () => {
      closed.abort();
      await server.close();
    },
  };
}

/** What decides about a request: the rules can be replaced later. */
interface Rulebook {
  rules: ApiRules;
  readonly rate: Rate | undefined;
}

async function ruleOn(call: ApiCall, { rules, rate }: Rulebook): Promise<Ruling> {
  const routes = rules.routes.filter(({ path }) => path.test(call.path));
  if (routes.length === 0) return { answer: rules.problem(404, 'There is no such path') };
  const route = routes.find(({ method }) => method === call.method);
  if (route === undefined) return { answer: rules.problem(405, 'The method is not allowed') };
  const wait = route.sends ? (rate?.take() ?? 0) : 0;
  if (wait > 0) return { answer: rules.tooMany(wait, call) };
  return route.handle({ ...call, parameters: route.path.exec(call.path)?.slice(1) ?? [] });
}

interface Reporting extends Pick<ApiOptions, 'statuses' | 'reportDelayMs'> {
  readonly rulebook: Rulebook;
  /** Aborted when the simulator is closed, which ends all reports. */
  readonly signal: AbortSignal;
}

interface Reporter {
  readonly reports: readonly SentReport[];
  readonly reportTo: (serviceUrl: string) => void;
  /** Examines the media of an accepted message, and reports its statuses. */
  readonly follow: (send: OpenSend, taken: Taken, fails: boolean) => Promise<void>;
}

function createReporter(reporting: Reporting): Reporter {
  const { statuses = ['sent', 'delivered', 'read'], reportDelayMs = 50, rulebook, signal } = reporting;
  const reports: SentReport[] = [];
  let serviceUrl: string | undefined;

  const post = async (webhook: Webhook, about: Omit<SentReport, 'at' | 'answer'>): Promise<void> => {
    for (const pause of [0, ...rulebook.rules.resendsAfterMs]) {
      await delay(pause, undefined, { signal, ref: false });
      const { path, headers, body } = webhook;
      const request = { method: 'POST', headers, body, signal };
      const answer = await fetch(`${serviceUrl ?? ''}${path}`, request).then(
        ({ status }) => status,
        () => null,
      );
      reports.push({ ...about, at: new Date(), answer });
      if (answer !== null && answer < 500 && answer !== 429) return;
    }
  };

  return {
    reports,
    reportTo: (url) => {
      serviceUrl = url;
    },
    follow: async (send, taken, fails) => {
      const { media, failureOf } = taken;
      const found = 'found' in media ? media.found : await inspect(media.offer, media.rule, signal);
      if ('media' in found) send.media = found.media;
      else send.failure = failureOf?.(found.problem) ?? null;
      if (fails) send.failure = { code: '1', message: 'The message could not be delivered' };
      for (const status of send.failure === null ? statuses : (['failed'] as const)) {
        await delay(reportDelayMs, undefined, { signal, ref: false });
        if (serviceUrl === undefined) continue;
        for (const webhook of taken.report(status, send.failure)) {
          // A webhook that is not accepted is retried later and does not delay others.
          void post(webhook, { messageId: taken.id, status }).catch(() => undefined);
        }
      }
    },
  };
}

const noRules: ApiRules = {
  routes: [],
  problem: (status, message) => ({ status, json: { message } }),
  tooMany: () => ({ status: 429 }),
  resendsAfterMs: [],
};
