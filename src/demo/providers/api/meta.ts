/**
 * Meta's Graph API as far as the service calls it: links of files, uploads, and messages
 * (developers.facebook.com/documentation/business-messaging/whatsapp). Media that cannot be sent are reported
 * with the status `failed` and the code 131053.
 */
import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { inWords, isObject, link, object, oneOf, text, type FieldCheck, type Fields } from './fields.js';
import { mebibyte, type MediaOffer, type MediaRule } from './media-inspection.js';
import { accountRoutes, type MetaAccount } from './meta-account.js';
import { graphProblem, noSuchObject, refusalOf } from './meta-problems.js';
import { readForm } from './multipart.js';
import type { ApiRules, ProviderApi, Route, Ruling, Taken } from './provider-api.js';

interface MetaSending extends MetaAccount {
  /** A new link to a file; undefined if there is none with this id. */
  readonly linkOf: (id: string) => string | undefined;
  readonly makeMessageId: () => string;
  readonly makeMediaId: () => string;
  readonly inspect: ProviderApi['inspect'];
  readonly report: (id: string, to: string) => Taken['report'];
}

const rules: Readonly<Record<string, MediaRule>> = {
  image: { types: ['image/jpeg', 'image/png'], maxBytes: 5 * mebibyte, eightBitRgb: true },
  video: { types: ['video/mp4', 'video/3gpp'], maxBytes: 16 * mebibyte },
  audio: {
    types: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/x-m4a', 'audio/ogg'],
    maxBytes: 16 * mebibyte,
  },
  document: { types: ['application/*', 'text/plain'], maxBytes: 100 * mebibyte },
  // 500 KB if it is animated, otherwise 100 KB.
  sticker: { types: ['image/webp'], maxBytes: 500 * 1024 },
};
const caption = text({ max: 1024 });
const ownFields: Readonly<Record<string, Fields['optional']>> = {
  image: { caption },
  video: { caption },
  document: { caption, filename: text() },
};

export function metaRules(sending: MetaSending): ApiRules {
  return {
    routes: [...accountRoutes(sending), ...mediaRoutes(sending)],
    problem: (status, message) => graphProblem(status, status === 500 ? 131000 : 2500, message),
    tooMany: () => graphProblem(429, 130429, 'Rate limit hit'),
    // With growing pauses for up to 7 days (docs.360dialog.com).
    resendsAfterMs: Array.from({ length: 180 }, (_, attempt) => Math.min(5_000 * 2 ** attempt, 3_600_000)),
  };
}

interface Upload {
  readonly type: string;
  readonly bytes: Uint8Array;
}

function mediaRoutes(sending: MetaSending): readonly Route[] {
  const { accessToken, phoneNumberId, linkOf, makeMediaId, inspect } = sending;
  const uploads = new Map<string, Upload>();
  const refusal = (call: ApiCall): ApiAnswer | undefined =>
    refusalOf(call, accessToken) ?? (call.parameters[0] === phoneNumberId ? undefined : noSuchObject);

  const look = (call: ApiCall): Ruling => {
    const [id = ''] = call.parameters;
    const url = linkOf(id);
    const file = { status: 200, json: { messaging_product: 'whatsapp', url, id } };
    return { answer: refusalOf(call, accessToken) ?? (url === undefined ? noSuchObject : file) };
  };

  const upload = async (call: ApiCall): Promise<Ruling> => {
    const refused = refusal(call);
    if (refused) return { answer: refused };
    const file = uploadIn(call);
    if (typeof file === 'string') return { answer: graphProblem(400, 100, file) };
    const rule = Object.values(rules).find(({ types }) => types.some((type) => matches(file.type, type)));
    if (!rule) return { answer: graphProblem(400, 100, `${file.type} is not a supported type`) };
    const found = await inspect({ bytes: file.bytes }, rule);
    if ('problem' in found) return { answer: graphProblem(400, 100, found.problem.message) };
    const id = makeMediaId();
    uploads.set(id, file);
    return { answer: { status: 200, json: { id } } };
  };

  return [
    { method: 'GET', path: /^\/v25\.0\/(\d+)$/, sends: false, handle: look },
    { method: 'POST', path: /^\/v25\.0\/(\d+)\/media$/, sends: false, handle: upload },
    {
      method: 'POST',
      path: /^\/v25\.0\/(\d+)\/messages$/,
      sends: true,
      handle: (call) => {
        const refused = refusal(call);
        return refused ? { answer: refused } : ruleOnMessage(call, sending, uploads);
      },
    },
  ];
}

const matches = (type: string, taken: string): boolean =>
  taken.endsWith('/*') ? type.startsWith(taken.slice(0, -1)) : type === taken;

/** The uploaded file, or what is wrong with the form. */
function uploadIn(call: ApiCall): Upload | string {
  const fields = readForm(call.headers['content-type'] ?? '', call.body);
  if (fields?.get('messaging_product') !== 'whatsapp') return 'messaging_product must be whatsapp';
  const file = fields.get('file');
  const type = fields.get('type');
  const unknown = [...fields.keys()].find((name) => !['messaging_product', 'file', 'type'].includes(name));
  if (unknown !== undefined) return `${unknown} is not known`;
  if (typeof file !== 'object' || typeof type !== 'string') return 'file and type are required';
  return file.type === type ? { type, bytes: file.bytes } : `the file is ${file.type}, not ${type}`;
}

function messageCheck(kind: string): FieldCheck {
  const block = object({ required: {}, optional: { id: text(), link, ...ownFields[kind] } });
  return object({
    required: { messaging_product: oneOf('whatsapp'), type: oneOf(...Object.keys(rules)), [kind]: block },
    optional: {
      recipient_type: oneOf('individual'),
      to: text({ pattern: /^\d{7,15}$/ }),
      recipient: text({ pattern: /^[A-Z]{2}\.[A-Za-z0-9]{1,128}$/ }),
      context: object({ required: { message_id: text() } }),
      biz_opaque_callback_data: text({ max: 512 }),
    },
  });
}

function ruleOnMessage(call: ApiCall, sending: MetaSending, uploads: ReadonlyMap<string, Upload>): Ruling {
  const refused = (details: string): Ruling => ({ answer: graphProblem(400, 100, details) });
  if (!isOfType(call, 'application/json')) return refused('The body must be JSON');
  const kind = Object.keys(rules).find((name) => isObject(call.json) && call.json['type'] === name);
  const faults = messageCheck(kind ?? 'image')(call.json, '');
  if (faults.length > 0 || kind === undefined) return refused(inWords(faults));
  const body = call.json as Person & Record<string, { id?: string; link?: string }>;
  const offer = offerOf(body[kind] ?? {}, uploads);
  if (typeof offer === 'string') return refused(offer);
  if ((body.to === undefined) === (body.recipient === undefined))
    return refused('Either to or recipient is required');
  return accepted(body, { offer, rule: rules[kind] ?? { types: [], maxBytes: 0 } }, sending);
}

/** The recipient by number, or by the id of a person without one. */
interface Person {
  readonly to?: string;
  readonly recipient?: string;
}

function accepted(
  { to, recipient = '' }: Person,
  media: { readonly offer: MediaOffer; readonly rule: MediaRule },
  { makeMessageId, report }: MetaSending,
): Ruling {
  const id = makeMessageId();
  const person = to ?? recipient;
  const contact = to === undefined ? { input: person, user_id: person } : { input: to, wa_id: to };
  return {
    answer: { status: 200, json: { messaging_product: 'whatsapp', contacts: [contact], messages: [{ id }] } },
    taken: {
      id,
      to: person,
      media,
      report: report(id, person),
      failureOf: ({ message }) => ({ code: '131053', message }),
    },
  };
}

/** The media of a message, or what is wrong with them. */
function offerOf(
  { id, link: url }: { readonly id?: string; readonly link?: string },
  uploads: ReadonlyMap<string, Upload>,
): MediaOffer | string {
  if ((id === undefined) === (url === undefined)) return 'Either id or link is required';
  if (url !== undefined) return { link: url };
  const upload = uploads.get(id ?? '');
  return upload ? { bytes: upload.bytes } : 'There is no media with this id';
}
