/**
 * The sending half of a simulated provider: it takes messages as the provider's documents say and no others, and reports
 * by webhook what becomes of them. What is particular to a provider is in its own file.
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

/** A message that the provider will take, if nothing comes between. */
export interface Taken {
  readonly id: string;
  readonly to: string;
  /** What is to be looked at, or what was found when it was, before the message was taken. */
  readonly media: { readonly offer: MediaOffer; readonly rule: MediaRule } | { readonly found: Inspection };
  /** The webhooks that tell of this status; none where the provider tells nothing. */
  readonly report: (status: SimulatedStatus, failure: Failure | null) => readonly Webhook[];
  /** What it tells when the media turn out to be unfit after it has taken the message. */
  readonly failureOf?: (problem: MediaProblem) => Failure;
}

/** A message taken, or just an answer. */
export interface Ruling {
  readonly answer: ApiAnswer;
  readonly taken?: Taken;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** Whether it counts against the rate of messages. */
  readonly sends: boolean;
  readonly handle: (call: ApiCall) => Ruling | Promise<Ruling>;
}

export interface ApiRules {
  readonly routes: readonly Route[];
  /** Shortly put, for the routes that do not exist and the methods that are not allowed. */
  readonly problem: (status: number, message: string) => ApiAnswer;
  readonly tooMany: (retryAfterSeconds: number, call: ApiCall) => ApiAnswer;
  /** Headers that every answer has. */
  readonly headers?: (rate: Rate | undefined) => Readonly<Record<string, string>>;
  /** When a webhook is sent again that was not taken, in milliseconds after the attempt before. */
  readonly resendsAfterMs: readonly number[];
}

/**
 * `hang`, `cut`, `garbage`: the message is taken, and the answer never comes, is cut off, or cannot be understood.
 * `error`: it is not taken, and the answer is 500. `fail`: it is taken, and fails on its way.
 */
export type Fault = 'hang' | 'cut' | 'garbage' | 'error' | 'fail';

export interface AcceptedSend {
  readonly id: string;
  readonly to: string;
  readonly at: Date;
  /** What was asked, JSON where it was JSON. */
  readonly request: unknown;
  /** null until the provider has the bytes. */
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
  /** HTTP status of the service's answer; null when there was none. */
  readonly answer: number | null;
}

export interface ApiOptions {
  readonly port?: number;
  readonly rate?: RateLimit;
  /** What is reported of a message that goes well, in this order. */
  readonly statuses?: readonly SimulatedStatus[];
  /** Between one report and the next. */
  readonly reportDelayMs?: number;
}

export interface ProviderApi {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly origin: string;
  /** Ledgers, oldest first. */
  readonly accepted: readonly AcceptedSend[];
  readonly refused: readonly RefusedCall[];
  readonly reports: readonly SentReport[];
  /** The rules of the provider; without them everything is refused. */
  readonly obey: (rules: ApiRules) => void;
  /** What happens to the next messages that would be taken, one each. */
  readonly misbehave: (...faults: readonly Fault[]) => void;
  /** Where webhooks go. Until this is called there are none. */
  readonly reportTo: (serviceUrl: string) => void;
  readonly inspect: (offer: MediaOffer, rule: MediaRule) => Promise<Inspection>;
  readonly close: () => Promise<void>;
}

/** Taken, and being written to while the message goes its way. */
type OpenSend = { -readonly [Name in keyof AcceptedSend]: AcceptedSend[Name] };

/** Starts the API of one provider on a port of its own, which tells providers with the same paths apart. */
export async function startProviderApi(options: ApiOptions = {}): Promise<ProviderApi> {
  const { port, statuses = ['sent', 'delivered', 'read'], reportDelayMs = 50 } = options;
  const rate = options.rate && createRate(options.rate);
  const accepted: OpenSend[] = [];
  const refused: RefusedCall[] = [];
  const reports: SentReport[] = [];
  const faults: Fault[] = [];
  const closed = new AbortController();
  let rules = noRules;
  let serviceUrl: string | undefined;

  const rule = async (call: ApiCall): Promise<Ruling> => {
    const routes = rules.routes.filter(({ path }) => path.test(call.path));
    if (routes.length === 0) return { answer: rules.problem(404, 'There is no such path') };
    const route = routes.find(({ method }) => method === call.method);
    if (route === undefined) return { answer: rules.problem(405, 'The method is not allowed') };
    const wait = route.sends ? (rate?.take() ?? 0) : 0;
    if (wait > 0) return { answer: rules.tooMany(wait, call) };
    return route.handle({ ...call, parameters: route.path.exec(call.path)?.slice(1) ?? [] });
  };

  const post = async (webhook: Webhook, about: Omit<SentReport, 'at' | 'answer'>): Promise<void> => {
    for (const pause of [0, ...rules.resendsAfterMs]) {
      await delay(pause, undefined, { signal: closed.signal, ref: false });
      const { path, headers, body } = webhook;
      const request = { method: 'POST', headers, body, signal: closed.signal };
      const answer = await fetch(`${serviceUrl ?? ''}${path}`, request).then(
        ({ status }) => status,
        () => null,
      );
      reports.push({ ...about, at: new Date(), answer });
      if (answer !== null && answer < 500 && answer !== 429) return;
    }
  };

  const follow = async (send: OpenSend, taken: Taken, fails: boolean): Promise<void> => {
    const { media, failureOf } = taken;
    const found = 'found' in media ? media.found : await inspect(media.offer, media.rule, closed.signal);
    if ('media' in found) send.media = found.media;
    else send.failure = failureOf?.(found.problem) ?? null;
    if (fails) send.failure = { code: '1', message: 'The message could not be delivered' };
    for (const status of send.failure === null ? statuses : (['failed'] as const)) {
      await delay(reportDelayMs, undefined, { signal: closed.signal, ref: false });
      if (serviceUrl === undefined) continue;
      for (const webhook of taken.report(status, send.failure)) {
        // One that is not taken is sent again later and holds up no other.
        void post(webhook, { messageId: taken.id, status }).catch(() => undefined);
      }
    }
  };

  const answer = async (call: ApiCall): Promise<WireAnswer> => {
    const { answer: given, taken } = await rule(call);
    const withHeaders = { ...given, headers: { ...rules.headers?.(rate), ...given.headers } };
    if (taken === undefined) {
      if (given.status >= 400) {
        refused.push({ at: new Date(), method: call.method, path: call.path, answer: given });
      }
      return withHeaders;
    }
    const fault = faults.shift();
    if (fault === 'error') return rules.problem(500, 'Something went wrong here');
    const { id, to } = taken;
    const send: OpenSend = { id, to, at: new Date(), request: call.json, media: null, failure: null };
    accepted.push(send);
    // Ends by rejecting only when the simulator is closed.
    void follow(send, taken, fault === 'fail').catch(() => undefined);
    return fault === undefined || fault === 'fail' ? withHeaders : fault;
  };

  const server = await startApiServer(answer, port);
  return {
    host: server.host,
    origin: server.origin,
    accepted,
    refused,
    reports,
    obey: (theirs) => {
      rules = theirs;
    },
    misbehave: (...next) => {
      faults.push(...next);
    },
    reportTo: (url) => {
      serviceUrl = url;
    },
    inspect: (offer, mediaRule) => inspect(offer, mediaRule, closed.signal),
    close: async () => {
      closed.abort();
      await server.close();
    },
  };
}

const noRules: ApiRules = {
  routes: [],
  problem: (status, message) => ({ status, json: { message } }),
  tooMany: () => ({ status: 429 }),
  resendsAfterMs: [],
};
