/**
 * Z-API's `send-*` methods (Z-API/z-api-docs docs/message/*.md @7021b82). The message is queued; problems of
 * the media are reported later in `DeliveryCallback.error`.
 */
import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { flag, inWords, link, object, text, whole, type FieldCheck, type Fields } from './fields.js';
import { mebibyte, type MediaOffer, type MediaRule } from './media-inspection.js';
import type { ApiRules, Ruling, Taken } from './provider-api.js';
import { zApiWebhookRoutes } from './z-api-webhooks.js';

interface ZApiSending {
  readonly instanceId: string;
  readonly token: string;
  readonly clientToken: string;
  readonly makeIds: () => { readonly zaapId: string; readonly messageId: string };
  readonly report: (ids: { zaapId: string; messageId: string }, phone: string) => Taken['report'];
}

const dataUrl =
  /^data:([a-z]+\/[\w.+-]+);base64,((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** "Image's link or its Base64", which is preceded by its type. */
const media: FieldCheck = (value, name) => {
  if (typeof value === 'string' && dataUrl.test(value)) return [];
  return typeof value === 'string' && value.startsWith('data:')
    ? [{ name, reason: 'is not Base64 after data:<type>;base64,' }]
    : link(value, name);
};

/**
 * A phone number, a group of either generation, or a hidden number. "Only send numbers without formatting or
 * a mask".
 */
const phone = text({ pattern: /^(?:\d{7,15}|\d{10,20}-group|\d{7,15}-\d{10}(?:-group)?|\d+@lid)$/ });

const common = { messageId: text(), delayMessage: whole(1, 15) };
/** WhatsApp's limits, to which Z-API only links (docs/message/send-message-image.md). */
const caption = text({ max: 1024 });

interface Method {
  readonly field: string;
  readonly fields: Fields['optional'];
  readonly rule: MediaRule;
}

const methods: Readonly<Record<string, Method>> = {
  'send-image': {
    field: 'image',
    fields: { ...common, caption, viewOnce: flag },
    rule: { types: ['image/*'], maxBytes: 5 * mebibyte },
  },
  'send-video': {
    field: 'video',
    fields: { ...common, caption, viewOnce: flag },
    rule: { types: ['video/*'], maxBytes: 16 * mebibyte },
  },
  'send-audio': {
    field: 'audio',
    fields: { ...common, viewOnce: flag },
    rule: { types: ['audio/*'], maxBytes: 16 * mebibyte },
  },
  'send-sticker': { field: 'sticker', fields: common, rule: { types: ['image/*'], maxBytes: mebibyte / 2 } },
  'send-document': {
    field: 'document',
    fields: { ...common, caption, fileName: text() },
    rule: { types: ['application/*', 'text/plain', 'image/*'], maxBytes: 100 * mebibyte },
  },
};

const problem = (status: number, error: string): ApiAnswer => ({ status, json: { error } });

export function zApiRules({ instanceId, token, clientToken, makeIds, report }: ZApiSending): ApiRules {
  /** The statuses of these are not documented, but their texts are (docs/security/client-token.md). */
  const refusal = (call: ApiCall): ApiAnswer | undefined => {
    const [instance, given] = call.parameters;
    if (instance !== instanceId || given !== token) return problem(400, 'Instance not found');
    const header = call.headers['client-token'];
    if (header === undefined || header === '') return problem(400, 'null not allowed');
    if (header !== clientToken) return problem(403, `Client-Token ${String(header)} not allowed`);
    return call.method === 'GET' || isOfType(call, 'application/json')
      ? undefined
      : problem(415, 'Content-Type must be application/json');
  };
  const send = (call: ApiCall): Ruling => {
    const refused = refusal(call);
    if (refused) return { answer: refused };
    const method = methods[call.parameters[2] ?? ''];
    if (method === undefined || (method.field === 'document') !== (call.parameters[3] !== undefined))
      return { answer: problem(404, 'There is no such method') };
    const { field, fields = {}, rule } = method;
    const faults = object({ required: { phone, [field]: media }, optional: fields })(call.json, '');
    if (faults.length > 0) return { answer: problem(400, inWords(faults)) };
    const body = call.json as Readonly<Record<string, string>>;
    const ids = makeIds();
    return {
      answer: { status: 200, json: { ...ids, id: ids.messageId } },
      taken: {
        id: ids.messageId,
        to: body['phone'] ?? '',
        media: { offer: offerOf(body[field] ?? ''), rule },
        report: report(ids, body['phone'] ?? ''),
        failureOf: ({ message }) => ({ code: 'send_failed', message }),
      },
    };
  };
  return {
    routes: [
      {
        method: 'POST',
        path: /^\/instances\/([^/]+)\/token\/([^/]+)\/(send-[a-z]+)(?:\/([a-z0-9]+))?$/,
        sends: true,
        handle: send,
      },
      ...zApiWebhookRoutes({ instanceId, token, refusal, problem }),
    ],
    problem,
    tooMany: () => problem(429, 'Too many requests'),
    // Whether callbacks are retried is UNVERIFIED.
    resendsAfterMs: [],
  };
}

function offerOf(value: string): MediaOffer {
  const [, declaredType, base64] = dataUrl.exec(value) ?? [];
  return declaredType === undefined || base64 === undefined
    ? { link: value }
    : { bytes: Buffer.from(base64, 'base64'), declaredType };
}
