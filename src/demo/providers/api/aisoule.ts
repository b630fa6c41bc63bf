/**
 * AISoule's two generations: `POST /v1/messages` (aisoule.com/docs/messaging/send-media) and `POST
 * /api/messages/send` (aisoule.com/help). Both accept the message first and report unsuitable media with
 * `message.failed`.
 */
import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { inWords, isObject, object, oneOf, text, type FieldCheck } from './fields.js';
import { mebibyte, type MediaRule } from './media-inspection.js';
import type { ApiRules, Ruling, Taken } from './provider-api.js';

interface AisouleSending {
  readonly apiKey: string;
  readonly makeId: (generation: Generation) => string;
  readonly report: (generation: Generation, id: string, to: string) => Taken['report'];
}

export type Generation = 'v1' | 'v2';

const kinds = ['image', 'video', 'document', 'audio'] as const;
type Kind = (typeof kinds)[number];

/** "Supported Media Types & Constraints". file-type recognises old Office files by their container. */
const rules: Readonly<Record<Kind, MediaRule>> = {
  image: { types: ['image/png', 'image/jpeg', 'image/webp'], maxBytes: 5 * mebibyte },
  video: { types: ['video/mp4', 'video/3gpp'], maxBytes: 16 * mebibyte },
  document: {
    types: ['application/pdf', 'application/x-cfb', 'application/zip'],
    maxBytes: 100 * mebibyte,
  },
  audio: { types: ['audio/aac', 'audio/mpeg', 'audio/ogg'], maxBytes: 16 * mebibyte },
};

/** "Secure HTTP URL hosting the public file"; on this machine there are no certificates. */
const secureLink = text({ pattern: /^(?:https:\/\/[^\s/]|http:\/\/(?:127\.0\.0\.1|localhost)[:/])\S*$/ });
/** Its length is UNVERIFIED; WhatsApp, behind it, accepts this much. */
const caption = text({ max: 1024 });

function messageOf(generation: Generation, kind: Kind): FieldCheck {
  // "Text description accompanying the image, video, or document".
  const captioned = kind === 'audio' ? {} : { caption };
  const block =
    generation === 'v1'
      ? object({ required: { link: secureLink }, optional: { ...captioned, filename: text() } })
      : object({ required: { url: secureLink }, optional: captioned });
  const to = text({ pattern: generation === 'v1' ? /^\d{7,15}$/ : /^\+\d{7,15}$/ });
  return object({ required: { to, type: oneOf(kind), [kind]: block } });
}

/** Only the error for too many requests is documented; the others follow its pattern. */
const problemV1 = (status: number, code: string, message: string): ApiAnswer => ({
  status,
  json: { success: false, error: { code, message } },
});
const problemV2 = (status: number, message: string): ApiAnswer => ({
  status,
  json: { message, status: 'error' },
});

const bodyBytesV2 = 5 * mebibyte;

export function aisouleRules(sending: AisouleSending): ApiRules {
  const refusals = refusalsFor(sending.apiKey);
  const send = (generation: Generation, call: ApiCall): Ruling => {
    const refused = refusals[generation](call);
    return refused ? { answer: refused } : ruleOn(call, generation, sending);
  };
  return {
    routes: [
      { method: 'POST', path: /^\/v1\/messages$/, sends: true, handle: (call) => send('v1', call) },
      { method: 'POST', path: /^\/api\/messages\/send$/, sends: true, handle: (call) => send('v2', call) },
    ],
    problem: (status, message) => problemV1(status, status === 500 ? 'internal_error' : 'not_found', message),
    tooMany,
    headers: (rate) =>
      rate === undefined
        ? {}
        : {
            'x-ratelimit-limit': String(rate.perMinute),
            'x-ratelimit-remaining': String(rate.remaining()),
            'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + rate.secondsUntilFull()),
          },
    // "Retry policy" of the help center: 10 s, 60 s, 5 min, then the webhook counts as failing.
    resendsAfterMs: [10_000, 60_000, 300_000],
  };
}

/** The errors about a request itself, before its fields are read. */
function refusalsFor(apiKey: string): Readonly<Record<Generation, (call: ApiCall) => ApiAnswer | undefined>> {
  return {
    v1: (call) => {
      if (call.headers.authorization !== `Bearer ${apiKey}`)
        return problemV1(401, 'unauthorized', 'The API key is missing or wrong');
      return isOfType(call, 'application/json')
        ? undefined
        : problemV1(415, 'unsupported_media_type', 'The body must be JSON');
    },
    v2: (call) => {
      if (call.headers['x-api-key'] !== apiKey) return problemV2(401, 'Invalid API key');
      if (call.body.length > bodyBytesV2) return problemV2(413, 'The body is too large');
      return isOfType(call, 'application/json') ? undefined : problemV2(415, 'The body must be JSON');
    },
  };
}

function ruleOn(call: ApiCall, generation: Generation, { makeId, report }: AisouleSending): Ruling {
  const kind = kinds.find((name) => isObject(call.json) && call.json['type'] === name);
  const faults = messageOf(generation, kind ?? 'image')(call.json, '');
  if (faults.length > 0 || kind === undefined) {
    const words = inWords(faults);
    return {
      answer: generation === 'v1' ? problemV1(400, 'invalid_request', words) : problemV2(400, words),
    };
  }
  const body = call.json as { to: string } & Record<Kind, { link?: string; url?: string }>;
  const { to } = body;
  const { link, url } = body[kind];
  const id = makeId(generation);
  return {
    answer: {
      status: 200,
      json:
        generation === 'v1'
          ? { success: true, message_id: id, status: 'queued', recipient: to }
          : { data: { message_id: id, status: 'sent' } },
    },
    taken: {
      id,
      to,
      media: { offer: { link: link ?? url ?? '' }, rule: rules[kind] },
      report: report(generation, id, to),
      failureOf: ({ reason, message }) => ({ code: `media_${reason}`, message }),
    },
  };
}

function tooMany(seconds: number, { path }: ApiCall): ApiAnswer {
  const message = 'Too many messages';
  if (path !== '/v1/messages')
    return { ...problemV2(429, message), headers: { 'retry-after': String(seconds) } };
  const error = { code: 'rate_limit_exceeded', message, retry_after_seconds: seconds };
  return { status: 429, json: { success: false, error } };
}
