/**
 * Vonage's Messages API, `POST /v1/messages` (APIs-guru/openapi-directory nexmo.com/messages-olympus 1.4.0).
 * Problems of the media are reported with the status `rejected`, under the codes of its `x-errors`.
 */
import { randomUUID } from 'node:crypto';

import { isOfType, type ApiAnswer, type ApiCall } from './calls.js';
import { isObject, link, object, oneOf, text, whole, type FieldCheck, type FieldFault } from './fields.js';
import { mebibyte, type MediaProblem, type MediaRule } from './media-inspection.js';
import type { Route, Ruling, Taken } from './provider-api.js';

interface MessagesApi {
  readonly isAuthorized: (call: ApiCall) => boolean;
  readonly report: (message: TakenMessage) => Taken['report'];
}

export interface TakenMessage {
  readonly id: string;
  readonly to: string;
  readonly from: string;
  readonly channel: string;
  readonly clientRef: string | undefined;
}

const jpegAndPng = ['image/jpeg', 'image/png'];
const withGif = [...jpegAndPng, 'image/gif'];
const video = { types: ['video/mp4', 'video/3gpp'], maxBytes: 16 * mebibyte };
const file = { types: ['application/*', 'text/plain'], maxBytes: 100 * mebibyte };
const audio = {
  types: ['audio/aac', 'audio/mp4', 'audio/x-m4a', 'audio/amr', 'audio/mpeg', 'audio/ogg'],
  maxBytes: 16 * mebibyte,
};
const sticker = { types: ['image/webp'], maxBytes: mebibyte / 2 };
const picture = (types: readonly string[]): MediaRule => ({ types, maxBytes: 5 * mebibyte });

interface Channel {
  /** The format of a recipient. */
  readonly to: RegExp;
  /**
   * In characters; 0: none. For WhatsApp it is Meta's limit, which is lower than in Vonage's documentation.
   */
  readonly maxCaption: number;
  readonly kinds: Readonly<Record<string, MediaRule>>;
}

const telephone = /^\d{7,15}$/;
const channels: ReadonlyMap<string, Channel> = new Map(
  Object.entries<Channel>({
    whatsapp: {
      to: telephone,
      maxCaption: 1024,
      kinds: { image: picture(jpegAndPng), video, audio, file, sticker },
    },
    mms: { to: telephone, maxCaption: 2000, kinds: { image: picture(withGif), video, audio, file } },
    messenger: { to: /^\d{1,50}$/, maxCaption: 0, kinds: { image: picture(withGif), video, audio, file } },
    viber_service: {
      to: telephone,
      maxCaption: 1000,
      kinds: { image: picture(jpegAndPng), video, file: { ...file, maxBytes: 200 * mebibyte } },
    },
  }),
);

/** RFC 7807. */
export function vonageProblem(status: number, detail: string, faults: readonly FieldFault[] = []): ApiAnswer {
  const titles: Readonly<Record<number, string>> = {
    401: 'You did not provide correct credentials.',
    422: 'Your request was not valid',
    429: 'Rate Limit Hit',
  };
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    json: {
      type: `https://developer.vonage.com/api-errors/messages#${String(status)}`,
      title: titles[status] ?? 'Error',
      detail,
      instance: randomUUID(),
      ...(faults.length > 0 && { invalid_parameters: faults }),
    },
  };
}

function messageOf({ to, maxCaption, kinds }: Channel, type: string): FieldCheck {
  const captioned = maxCaption > 0 && type !== 'audio' && type !== 'sticker';
  const named = type === 'file' ? { name: text() } : {};
  const block = object({
    required: { url: link },
    optional: { ...(captioned && { caption: text({ max: maxCaption }) }), ...named },
  });
  return object({
    required: {
      channel: oneOf(...channels.keys()),
      message_type: oneOf(...Object.keys(kinds)),
      to: text({ pattern: to }),
      from: text({ pattern: to }),
      [type]: block,
    },
    optional: {
      client_ref: text({ max: 100 }),
      ttl: whole(1),
      webhook_url: link,
      context: object({ required: { message_uuid: text() } }),
    },
  });
}

export function messagesRoute({ isAuthorized, report }: MessagesApi): Route {
  const send = (call: ApiCall): Ruling => {
    if (!isAuthorized(call)) return { answer: vonageProblem(401, 'The token is missing or wrong') };
    if (!isOfType(call, 'application/json')) return { answer: vonageProblem(415, 'The body must be JSON') };
    if (!isObject(call.json)) return { answer: vonageProblem(422, 'The body is not JSON') };
    const { channel: name, message_type: type } = call.json;
    const channel = channels.get(String(name));
    const rule = channel && new Map(Object.entries(channel.kinds)).get(String(type));
    if (channel === undefined || rule === undefined)
      return { answer: vonageProblem(422, 'This channel does not take this type of message') };
    const faults = messageOf(channel, String(type))(call.json, '');
    if (faults.length > 0)
      return { answer: vonageProblem(422, 'The value of one or more parameters is invalid.', faults) };
    return taken(call.json as unknown as MessageBody, rule);
  };
  const taken = (body: MessageBody, rule: MediaRule): Ruling => {
    const { to, from, channel, message_type: type, client_ref: clientRef } = body;
    const id = randomUUID();
    return {
      answer: { status: 202, json: { message_uuid: id } },
      taken: {
        id,
        to,
        media: { offer: { link: (body[type] as { url: string }).url }, rule },
        report: report({ id, to, from, channel, clientRef }),
        failureOf: ({ reason, message }) => ({ code: mediaErrors[reason], message }),
      },
    };
  };
  return { method: 'POST', path: /^\/v1\/messages$/, sends: true, handle: send };
}

const mediaErrors: Readonly<Record<MediaProblem['reason'], string>> = {
  unreachable: '1380',
  too_large: '1381',
  wrong_type: '1382',
};

type MessageBody = Readonly<Record<string, unknown>> & {
  readonly to: string;
  readonly from: string;
  readonly channel: string;
  readonly message_type: string;
  readonly client_ref?: string;
};
