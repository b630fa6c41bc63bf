/**
 * Sends through Blip: takenet/blip-docs getting-started/http, content-types/media-link @d81a7c3. Blip answers
 * before it processes the message; the outcome arrives as notifications under the id that the service has
 * chosen.
 */
import { z } from 'zod';

import type { HeaderRecord, HttpRequest } from '../../domain/provider.js';
import type { OutboundMessage, Sending, SendLimits, SendOutcome } from '../../domain/sending.js';
import { typeOf } from '../kit/file-names.js';
import { asRecord, firstPresent, isAbsent } from '../kit/lenient.js';
import { compact, linkOf, optionsCheck, sender, typeMissing } from '../kit/sending.js';
import { megabyte, officeTypes, whatsApp, whatsAppPerson } from '../kit/whatsapp.js';

const mimeType = /^[a-z]+\/[\w.+-]+$/;

export const sendOptions = z.strictObject({
  title: z.string().min(1).max(255).meta({ description: "A heading; else the file's name" }).optional(),
  aspectRatio: z
    .string()
    .regex(/^\d{1,4}:\d{1,4}$/, 'must be two numbers, like 1:1')
    .meta({ description: 'How the picture is shown, e.g. 1:1' })
    .optional(),
  previewUri: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .meta({ description: 'A small picture to show before the media are opened' })
    .optional(),
  previewType: z
    .string()
    .regex(mimeType, 'must be a MIME type')
    .meta({ description: 'MIME type of the preview' })
    .optional(),
});

/** concepts2/throughput.md: 3 messages a second, 50 on a paid plan. */
export const freeMessagesPerSecond = 3;

/**
 * Uploads: takenet/helpcenter security/images.md. The channel behind Blip may accept less; captions are not
 * documented.
 */
const commonLimits = { maxBytes: 20 * megabyte, maxCaption: null };

const media: SendLimits['media'] = {
  // media-link/images.md
  image: { ...commonLimits, types: ['image/jpeg', 'image/png', 'image/gif'] },
  video: { ...commonLimits, types: whatsApp.video.types },
  audio: { ...commonLimits, types: whatsApp.audio.types },
  document: { ...commonLimits, types: [...officeTypes, 'application/zip'] },
};

const personPattern = new RegExp(`^(?:${whatsAppPerson.pattern})$`);

interface Account {
  readonly api: string;
  readonly headers: HeaderRecord;
  readonly key: string;
  readonly messagesPerSecond: number;
}

export function sendingOf({ api, headers, key, messagesPerSecond }: Account, now: () => Date): Sending {
  const limits: SendLimits = {
    media,
    rate: { messages: messagesPerSecond, perMs: 1000, burst: messagesPerSecond },
    recipient: {
      description:
        'a node, name@domain, like 5511900000001@wa.gw.msging.net; for WhatsApp, the digits or an id like BR.13491208655302741918 are enough',
      pattern: `(${whatsAppPerson.pattern})(@wa\\.gw\\.msging\\.net)?|[^\\s@/]+@(?!wa\\.gw\\.)[\\w-]+(\\.[\\w-]+)+`,
    },
    ways: ['link'],
  };
  const requestFor = (message: OutboundMessage): HttpRequest | SendOutcome => {
    const type = typeOf(message);
    return type === undefined
      ? typeMissing
      : { method: 'POST', url: `${api}/messages`, headers, json: envelopeOf(message, type) };
  };
  return {
    checkOptions: optionsCheck(sendOptions),
    limitsFor: () => limits,
    limits: { default: limits },
    // Received messages name people without the domain of the network.
    personOf: (to) => to.replace(/@wa\.gw\.msging\.net$/, ''),
    takesReply: () => false,
    apiUrl: api,
    send: (message, http) =>
      sender(requestFor, {
        idIn: ({ status }) => (status === 202 ? message.id : undefined),
        // No body is documented; LIME's reasons have these fields (lime-csharp Reason.cs @8523a59).
        errorIn: (body) => {
          const { code, description } = asRecord(body['reason']) ?? body;
          return isAbsent(description) ? undefined : { code, message: description };
        },
        secrets: [key],
        now,
      })(message, http),
  };
}

/** Without an id, there would be no notifications (concepts2/notifications.md). */
function envelopeOf(message: OutboundMessage, type: string): object {
  const { id, to, bytes, caption, filename, options } = message;
  return {
    id,
    to: personPattern.test(to) ? `${to}@wa.gw.msging.net` : to,
    type: 'application/vnd.lime.media-link+json',
    content: compact({
      type,
      uri: linkOf(message),
      title: firstPresent([options['title'], filename]),
      text: caption,
      size: bytes,
      aspectRatio: options['aspectRatio'],
      previewUri: options['previewUri'],
      previewType: options['previewType'],
    }),
  };
}
