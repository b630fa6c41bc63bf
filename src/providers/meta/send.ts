/**
 * Sends through Meta's Cloud API
 * (developers.facebook.com/documentation/business-messaging/whatsapp/messages). Bytes are uploaded first and
 * sent by their id, which Meta prefers to links: a failed upload is certainly not a sent message.
 */
import { z } from 'zod';

import type { HeaderRecord, Http, HttpRequest, MediaKind } from '../../domain/provider.js';
import type { OutboundMessage, Sending, SendLimits, SendOutcome } from '../../domain/sending.js';
import { extensionOf, typeOf } from '../kit/file-names.js';
import { fieldsOf, identifier, itemsOf } from '../kit/lenient.js';
import { bearerOf, graphErrorIn, graphVersion } from '../kit/meta-graph.js';
import {
  callProvider,
  compact,
  optionsCheck,
  type ResponseReader,
  sender,
  tryPrepare,
} from '../kit/sending.js';
import { businessScopedId, whatsApp, whatsAppPerson } from '../kit/whatsapp.js';
import { concernsRecipient, meaningOf } from './errors.js';

export const sendOptions = z.strictObject({});

const limits: SendLimits = {
  media: { ...whatsApp, image: { ...whatsApp.image, eightBitRgb: true } },
  // A number may send 80 messages a second by default, and 20 while the phone's app is connected, too. The
  // burst is UNVERIFIED.
  rate: { messages: 20, perMs: 1000, burst: 20 },
  recipient: whatsAppPerson,
  ways: ['upload', 'link'],
};

/** One message to the same person every 6 seconds (error 131056, support/error-codes). */
const recipientIntervalMs = 6_000;

interface Account {
  readonly accessToken: string;
  readonly phoneNumberId: string;
  readonly apiUrl: string;
}

export function sendingOf({ accessToken, phoneNumberId, apiUrl }: Account, now: () => Date): Sending {
  const api: Api = {
    number: `${apiUrl}/${graphVersion}/${encodeURIComponent(phoneNumberId)}`,
    headers: bearerOf(accessToken),
    reader: { errorIn: graphErrorIn, meaningOf, concernsRecipient, secrets: [accessToken], now },
  };
  return {
    checkOptions: optionsCheck(sendOptions),
    limitsFor: () => limits,
    limits: { default: limits },
    recipientIntervalMs: () => recipientIntervalMs,
    takesReply: () => true,
    send: async (message, http) => {
      const { content } = message;
      if (content.way === 'link') return post(message, http, { api, file: { link: content.url } });
      const uploaded = await upload(message, http, api);
      return uploaded.type === 'accepted'
        ? post(message, http, { api, file: { id: uploaded.messageId } })
        : uploaded;
    },
  };
}

interface Api {
  /** The URL of the phone number. */
  readonly number: string;
  readonly headers: HeaderRecord;
  readonly reader: Omit<ResponseReader, 'idIn'>;
}

/**
 * `accepted` with the id of the file. Nobody sees an uploaded file, so an upload with an unknown outcome is
 * repeated.
 */
async function upload(message: OutboundMessage, http: Http, api: Api): Promise<SendOutcome> {
  const request = await tryPrepare(() => uploadOf(message, api));
  if ('type' in request) return request;
  const idIn: ResponseReader['idIn'] = ({ body }) => identifier(fieldsOf(body)['id']);
  const outcome = await callProvider(request, http, { ...api.reader, idIn });
  return outcome.type === 'unknown'
    ? { type: 'busy', retryAfterMs: null, code: 'upload_failed', message: outcome.message }
    : outcome;
}

async function uploadOf(message: OutboundMessage, { number, headers }: Api): Promise<HttpRequest> {
  const { content, filename } = message;
  if (content.way === 'link') throw new Error('a link is not uploaded');
  const type = typeOf(message) ?? 'application/octet-stream';
  const value = await content.data();
  return {
    method: 'POST',
    url: `${number}/media`,
    headers,
    form: [
      { name: 'messaging_product', value: 'whatsapp' },
      { name: 'type', value: type },
      { name: 'file', value, filename: filename ?? `file.${extensionOf(message)}`, type },
    ],
  };
}

interface Posting {
  readonly api: Api;
  /** The file by its link, or by the id of its upload. */
  readonly file: { readonly link: string } | { readonly id: string };
}

function post(message: OutboundMessage, http: Http, { api, file }: Posting): Promise<SendOutcome> {
  const { number, headers, reader } = api;
  const idIn: ResponseReader['idIn'] = ({ body }) => {
    const [sent] = itemsOf(fieldsOf(body)['messages']) ?? [];
    return identifier(fieldsOf(sent)['id']);
  };
  const send = sender(
    () => ({ method: 'POST', url: `${number}/messages`, headers, json: bodyOf(message, file) }),
    { ...reader, idIn },
  );
  return send(message, http);
}

const captioned: readonly MediaKind[] = ['image', 'video', 'document'];
const personWithoutNumber = new RegExp(`^${businessScopedId}$`);

function bodyOf({ to, kind, caption, filename, replyTo }: OutboundMessage, file: Posting['file']): object {
  return compact({
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    ...(personWithoutNumber.test(to) ? { recipient: to } : { to }),
    context: replyTo === null ? undefined : { message_id: replyTo },
    type: kind,
    [kind]: compact({
      ...file,
      caption: captioned.includes(kind) ? caption : undefined,
      filename: kind === 'document' ? filename : undefined,
    }),
  });
}
