/**
 * Sends through AISoule: v1 https://aisoule.com/docs/messaging/send-media, v2 https://aisoule.com/help. The
 * only documented error is that of too many requests.
 */
import { z } from 'zod';

import type { HttpRequest, MediaKind } from '../../domain/provider.js';
import type { OutboundMessage, Sending, SendLimits, SendOptions } from '../../domain/sending.js';
import { asRecord, fieldsOf, firstPresent, identifier, type JsonRecord } from '../kit/lenient.js';
import { type ResponseReader, compact, linkOf, optionsCheck, sender } from '../kit/sending.js';
import { captionLength, megabyte, whatsApp, whatsAppPerson } from '../kit/whatsapp.js';

export const generations = ['v1', 'v2'] as const;
type Generation = (typeof generations)[number];

export const hosts: Readonly<Record<Generation, string>> = {
  v1: 'https://api.aisoule.com',
  v2: 'https://app.aisoule.com',
};

export const sendOptions = z.strictObject({
  generation: z
    .enum(generations)
    .meta({ description: "Which of AISoule's two APIs sends; else the one of the channel" })
    .optional(),
});

/** "Supported Media Types & Constraints" of send-media. The length of captions is WhatsApp's. */
const media: SendLimits['media'] = {
  image: {
    types: ['image/jpeg', 'image/png', 'image/webp'],
    maxBytes: 5 * megabyte,
    maxCaption: captionLength,
  },
  video: whatsApp.video,
  audio: { ...whatsApp.audio, types: ['audio/mpeg', 'audio/aac', 'audio/ogg'] },
  document: {
    ...whatsApp.document,
    types: [
      'application/pdf',
      'application/msword',
      'application/vnd.ms-excel',
      'application/x-cfb',
      'application/zip',
    ],
  },
};

const shared = { media, recipient: whatsAppPerson, ways: ['link'] } as const;
const limits: Readonly<Record<Generation, SendLimits>> = {
  // "300 messages a minute, 5 a second".
  v1: { ...shared, rate: { messages: 300, perMs: 60_000, burst: 5 } },
  // "100 a minute, 10 a second".
  v2: { ...shared, rate: { messages: 100, perMs: 60_000, burst: 10 } },
};

interface Account {
  readonly apiKey: string;
  readonly generation: Generation;
  readonly apiUrl: string;
}

export function sendingOf(account: Account, now: () => Date): Sending {
  const generationOf = ({ generation }: SendOptions): Generation =>
    generations.find((one) => one === generation) ?? account.generation;
  const reader: ResponseReader = { idIn, errorIn, waitIn, secrets: [account.apiKey], now };
  return {
    checkOptions: optionsCheck(
      sendOptions.extend({ generation: z.enum(generations).default(account.generation) }),
    ),
    limitsFor: (options) => limits[generationOf(options)],
    limits,
    takesReply: () => false,
    apiUrl: account.apiUrl,
    send: sender((message) => requests[generationOf(message.options)](message, account), reader),
  };
}

const requests: Readonly<Record<Generation, (message: OutboundMessage, account: Account) => HttpRequest>> = {
  v1: (message, { apiKey, apiUrl }) => ({
    method: 'POST',
    url: `${apiUrl}/v1/messages`,
    headers: { authorization: `Bearer ${apiKey}` },
    json: bodyOf(message, message.to, {
      link: linkOf(message),
      caption: captionOf(message),
      filename: message.filename,
    }),
  }),
  v2: (message, { apiKey, apiUrl }) => ({
    method: 'POST',
    // v2 has a different host, unless the operator has replaced it.
    url: `${apiUrl === hosts.v1 ? hosts.v2 : apiUrl}/api/messages/send`,
    headers: { 'x-api-key': apiKey },
    json: bodyOf(message, /^\d/.test(message.to) ? `+${message.to}` : message.to, {
      url: linkOf(message),
      caption: captionOf(message),
    }),
  }),
};

const bodyOf = ({ kind }: OutboundMessage, to: string, block: JsonRecord): object => ({
  to,
  type: kind,
  [kind]: compact(block),
});

const captioned: readonly MediaKind[] = ['image', 'video', 'document'];
const captionOf = ({ kind, caption }: OutboundMessage): string | null =>
  captioned.includes(kind) ? caption : null;

/** v1 `{success, message_id}`, v2 `{data: {message_id}}`. */
const idIn: ResponseReader['idIn'] = ({ body }) => {
  const { message_id: id, data, success } = fieldsOf(body);
  return success === false ? undefined : (identifier(id) ?? identifier(fieldsOf(data)['message_id']));
};

/** aisoule.com/docs, rate limits. */
const waitIn: NonNullable<ResponseReader['waitIn']> = ({ error, retry_after_seconds: seconds }) =>
  firstPresent([fieldsOf(error)['retry_after_seconds'], seconds]);

/** v1 `{success: false, error: {code, message}}`, v2 `{status: "error", message}`. */
const errorIn: ResponseReader['errorIn'] = ({ error, success, status, message }) => {
  const details = asRecord(error);
  if (details !== undefined) return { code: details['code'], message: details['message'] };
  return success === false || status === 'error' ? { code: undefined, message } : undefined;
};
