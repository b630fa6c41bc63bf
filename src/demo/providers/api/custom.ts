/**
 * The API of the simulated app: `POST /v1/messages`. It accepts a message first, and reports a file that it
 * cannot show with the status `failed`.
 */
import { randomUUID } from 'node:crypto';

import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { inWords, isObject, link, object, oneOf, text, type FieldCheck } from './fields.js';
import { mebibyte } from './media-inspection.js';
import type { ApiRules, Ruling, Taken } from './provider-api.js';

interface CustomSending {
  readonly apiKey: string;
  readonly report: (id: string, to: string) => Taken['report'];
}

/** What the app can show, as its operator tells the service. */
export const sendMedia = {
  image: { types: ['image/jpeg', 'image/png', 'image/webp'], maxBytes: 5 * mebibyte, maxCaption: 1000 },
  video: { types: ['video/mp4'], maxBytes: 16 * mebibyte, maxCaption: 1000 },
  audio: { types: ['audio/ogg', 'audio/mpeg'], maxBytes: 16 * mebibyte, maxCaption: 0 },
  document: { types: ['application/pdf'], maxBytes: 50 * mebibyte, maxCaption: 1000, needsFilename: true },
} as const;
type Kind = keyof typeof sendMedia;

const kinds = Object.keys(sendMedia) as Kind[];

const problem = (status: number, code: string, message: string): ApiAnswer => ({
  status,
  json: { error: { code, message } },
});

function messageOf(kind: Kind): FieldCheck {
  const note = kind === 'audio' ? {} : { note: text({ max: sendMedia[kind].maxCaption }) };
  return object({
    required: {
      reference: text({ pattern: /^[\da-f-]{36}$/ }),
      driver: text({ pattern: /^\d{7,15}$/ }),
      kind: oneOf(kind),
      link,
      mime: text({ pattern: /^[a-z]+\/[\w.+-]+(?:; ?[\w=]+)?$/ }),
      ...(kind === 'document' && { name: text() }),
    },
    optional: { ...note, name: text(), answers: text() },
  });
}

export function customRules({ apiKey, report }: CustomSending): ApiRules {
  const send = (call: ApiCall): Ruling => {
    if (call.headers.authorization !== `Bearer ${apiKey}`)
      return { answer: problem(401, 'unauthorized', 'The key is missing or wrong') };
    if (!isOfType(call, 'application/json'))
      return { answer: problem(415, 'unsupported_type', 'The body must be JSON') };
    const kind = kinds.find((name) => isObject(call.json) && call.json['kind'] === name);
    const faults = messageOf(kind ?? 'image')(call.json, '');
    if (faults.length > 0 || kind === undefined) return { answer: problem(422, 'invalid', inWords(faults)) };
    const { driver: to, link: url } = call.json as { driver: string; link: string };
    const id = randomUUID();
    return {
      answer: { status: 201, json: { id } },
      taken: {
        id,
        to,
        media: { offer: { link: url }, rule: sendMedia[kind] },
        report: report(id, to),
        failureOf: ({ reason, message }) => ({ code: `file_${reason}`, message }),
      },
    };
  };
  return {
    routes: [{ method: 'POST', path: /^\/v1\/messages$/, sends: true, handle: send }],
    problem: (status, message) => problem(status, status === 500 ? 'internal' : 'not_found', message),
    tooMany: (seconds) => ({
      ...problem(429, 'too_many', 'Too many messages'),
      headers: { 'retry-after': String(seconds) },
    }),
    resendsAfterMs: [1_000, 5_000, 30_000],
  };
}
