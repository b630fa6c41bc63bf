/** An invented provider whose answers each test chooses: a real server and its adapter. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import type { Channel } from '../../src/domain/channel.js';
import type { AppError } from '../../src/domain/errors.js';
import type { Http, HttpResponse } from '../../src/domain/provider.js';
import type { OutboundMessage, SendLimits, SendOutcome } from '../../src/domain/sending.js';

/** A request to the server to send a message. */
export interface Handed {
  readonly id: string;
  readonly to: string;
  readonly kind: string;
  readonly caption: string | null;
  readonly filename: string | null;
  readonly replyTo: string | null;
  readonly type: string | null;
  readonly bytes: number | null;
  readonly url?: string;
  readonly base64?: string;
  readonly options: Readonly<Record<string, unknown>>;
}

type Answer = (handed: Handed, response: ServerResponse) => void | Promise<void>;

export interface Courier {
  readonly channel: Channel;
  /** All requests, including the refused ones. */
  readonly handed: readonly Handed[];
  /** The answers to the next requests, one each; after them, the usual answer applies again. */
  readonly answer: (...answers: Answer[]) => void;
  readonly close: () => void;
}

export const courierLimits: SendLimits = {
  media: {
    image: { types: ['image/jpeg', 'image/png'], maxBytes: 100_000, maxCaption: 20 },
    sticker: { types: ['image/jpeg', 'image/png'], maxBytes: 100_000, maxCaption: 0, eightBitRgb: true },
    document: { types: ['application/pdf'], maxBytes: 100_000, maxCaption: null, needsFilename: true },
  },
  rate: { messages: 1_000, perMs: 1_000, burst: 100 },
  recipient: { description: 'a phone number: 8 to 15 digits', pattern: '\\d{8,15}' },
  ways: ['link', 'inline'],
};

/** Starts the server. `always` replaces the usual answer, which accepts every message. */
export async function startCourier(changed: Partial<SendLimits> = {}, always?: Answer): Promise<Courier> {
  const handed: Handed[] = [];
  const answers: Answer[] = [];
  const usual = always ?? take;
  const server = createServer((request: IncomingMessage, response) => {
    const take = async (body: string): Promise<void> => {
      const one = JSON.parse(body) as Handed;
      handed.push(one);
      await (answers.shift() ?? usual)(one, response);
    };
    // A service that stops may cut a request off: it was not handed over.
    void text(request).then(take, () => undefined);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
  return {
    channel: channelAt(url, { ...courierLimits, ...changed }),
    handed,
    answer: (...next) => answers.push(...next),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

export const take: Answer = ({ id }, response) => {
  json(response, 200, { id: `taken-${id}` });
};
/** Accepts the message and breaks off the connection before it answers. */
export const takeAndBreakOff: Answer = (_, response) => {
  response.destroy();
};
export const refuse: Answer = (_, response) => {
  json(response, 400, { code: '131026', message: 'Message undeliverable' });
};
export const beBusy =
  (retryAfterSeconds?: number): Answer =>
  (_, response) => {
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
    json(response, 429, { code: '130429', message: 'Rate limit hit' });
  };

/** The courier takes nothing for this person at the moment. */
export const beBusyForPerson =
  (retryAfterSeconds: number): Answer =>
  (_, response) => {
    response.setHeader('retry-after', String(retryAfterSeconds));
    json(response, 429, { code: 'person', message: 'Too many messages to this person' });
  };

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function channelAt(url: string, limits: SendLimits): Channel {
  return {
    id: 'courier',
    provider: 'courier',
    source: 'environment',
    settings: [],
    adapter: {
      verify: () => ({ ok: false, reason: 'nobody writes here' }),
      parse: () => [],
      downloads: { trustedHosts: [] },
      sending: {
        checkOptions: (given) => {
          const options = Object.fromEntries(
            Object.entries(given).filter(([name]) => !/^(fit|fetch)$/.test(name)),
          );
          const problems = Object.keys(options)
            .filter((name) => name !== 'note')
            .map((name) => ({ field: `options.${name}`, message: 'is not known' }));
          return problems.length > 0 ? { ok: false, problems } : { ok: true, options };
        },
        limitsFor: () => limits,
        limits: { default: limits },
        takesReply: () => true,
        send: (message, http) => send(url, message, http),
      },
    },
  };
}

async function send(url: string, message: OutboundMessage, http: Http): Promise<SendOutcome> {
  const { content, ...rest } = message;
  const media =
    content.way === 'link'
      ? { url: content.url }
      : { base64: Buffer.from(await content.data()).toString('base64') };
  try {
    return outcomeOf(await http({ method: 'POST', url, json: { ...rest, ...media } }));
  } catch (error) {
    const { code, message: words, requestLeft } = error as AppError;
    return requestLeft
      ? { type: 'unknown', message: words }
      : { type: 'busy', retryAfterMs: null, code, message: words };
  }
}

function outcomeOf({ status, headers, body }: HttpResponse): SendOutcome {
  const { id = '', code = '', message = '' } = body as Record<string, string>;
  if (status === 200) return { type: 'accepted', messageId: id };
  if (status !== 429) return { type: 'refused', code, message };
  const seconds = headers['retry-after'];
  const retryAfterMs = seconds === undefined ? null : Number(seconds) * 1000;
  return { type: 'busy', retryAfterMs, code, message, ...(code === 'person' && { concerns: 'recipient' }) };
}
