/**
 * Sends through Z-API: Z-API/z-api-docs docs/message/send-message-*.md @7021b82. A 200 means that the message
 * is queued; whether WhatsApp accepted it comes later, in the webhook "on send".
 */
import { z } from 'zod';

import type { MediaKind } from '../../domain/provider.js';
import type { OutboundMessage, Sending, SendLimits } from '../../domain/sending.js';
import { extensionOf, typeOf } from '../kit/file-names.js';
import { fieldsOf, identifier, isAbsent } from '../kit/lenient.js';
import { compact, optionsCheck, sender } from '../kit/sending.js';
import { whatsApp, whatsAppPerson } from '../kit/whatsapp.js';
import { type Account, callsOf } from './account.js';

export const sendOptions = z.strictObject({
  delayMessage: z
    .int()
    .min(1)
    .max(15)
    .meta({ description: 'Seconds that Z-API waits before the next message' })
    .optional(),
  viewOnce: z.boolean().meta({ description: 'The picture or video can be opened once' }).optional(),
});

const limits: SendLimits = {
  media: {
    ...whatsApp,
    // "Any image": Z-API itself converts what WhatsApp does not support (send-message-image.md shows an SVG).
    image: { ...whatsApp.image, types: ['image/jpeg', 'image/png', 'image/webp', 'image/gif'] },
    document: { ...whatsApp.document, types: [...whatsApp.document.types, 'application/zip'] },
  },
  // It waits 1 to 3 seconds after each message by itself and queues the others (send-message-text.md).
  rate: { messages: 1, perMs: 1000, burst: 1 },
  recipient: {
    description:
      'a phone number with country code, 7 to 15 digits; or the id of a group, an id that ends in @lid, or an id like BR.13491208655302741918',
    // Whether Z-API accepts the last form is UNVERIFIED: WhatsApp has such users, and Z-API refuses those it
    // cannot reach.
    pattern: `${whatsAppPerson.pattern}|\\d{7,25}(-\\d{1,25})?-group|\\d{7,15}-\\d{6,13}|\\d{1,25}@lid`,
  },
  ways: ['link', 'inline'],
};

export function sendingOf(account: Account, now: () => Date): Sending {
  const { base, headers } = callsOf(account);
  const send = sender(
    async (message) => ({
      method: 'POST',
      url: `${base}/${pathOf(message)}`,
      headers,
      json: await bodyOf(message),
    }),
    {
      // `id` equals `messageId`, for old integrations.
      idIn: ({ body }) => identifier(fieldsOf(body)['messageId']) ?? identifier(fieldsOf(body)['id']),
      // `{"error":"null not allowed"}`: its status is not documented (docs/security).
      errorIn: ({ error, message }) =>
        isAbsent(error) ? undefined : { code: undefined, message: isAbsent(message) ? error : message },
      secrets: [account.token, account.clientToken ?? ''],
      now,
    },
  );
  return {
    checkOptions: optionsCheck(sendOptions),
    limitsFor: () => limits,
    limits: { default: limits },
    takesReply: () => true,
    send,
  };
}

const pathOf = (message: OutboundMessage): string =>
  message.kind === 'document' ? `send-document/${extensionOf(message)}` : `send-${message.kind}`;

const captioned: readonly MediaKind[] = ['image', 'video', 'document'];
const viewable: readonly MediaKind[] = ['image', 'video'];

async function bodyOf(message: OutboundMessage): Promise<object> {
  const { kind, options } = message;
  return compact({
    phone: message.to,
    [kind]: await mediaOf(message),
    caption: captioned.includes(kind) ? message.caption : undefined,
    fileName: kind === 'document' ? message.filename : undefined,
    messageId: message.replyTo,
    delayMessage: options['delayMessage'],
    viewOnce: viewable.includes(kind) ? options['viewOnce'] : undefined,
  });
}

async function mediaOf(message: OutboundMessage): Promise<string> {
  const { content } = message;
  if (content.way === 'link') return content.url;
  const data = Buffer.from(await content.data()).toString('base64');
  return `data:${typeOf(message) ?? 'application/octet-stream'};base64,${data}`;
}
