/**
 * Sobot (sobot.in, WhatsApp). Formats: EffCode/sobot-api-doc source/includes/webhook @b690929
 * (docs.sobot.in). Every webhook is sent exactly once, whatever the answer (_add-a-webhook.md), so a webhook
 * that is not stored is lost.
 */
import { z } from 'zod';

import type { HttpRequest, InboundEvent } from '../domain/provider.js';
import type { OutboundMessage, Sending, SendLimits, SendOutcome } from '../domain/sending.js';
import { apiUrl, credential, defineProvider, hostList, secretList } from './kit/define-provider.js';
import { typeOf } from './kit/file-names.js';
import { fieldsOf, firstPresent, identifier, isAbsent } from './kit/lenient.js';
import { metaEvents, metaStatus } from './kit/meta.js';
import type { MetaDialect } from './kit/meta-message.js';
import { metaAccessToken, metaApiUrl, passedOn } from './kit/meta-passed-on.js';
import { compact, linkOf, optionsCheck, sender, typeMissing } from './kit/sending.js';
import { sharedSecret } from './kit/verification.js';
import { whatsApp, whatsAppPerson } from './kit/whatsapp.js';

const sendOptions = z.strictObject({
  customerName: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .meta({ description: 'The name that Sobot shows for the recipient; by default the number' })
    .optional(),
});

/**
 * free-flow-messages/_image-message.md, _video-message.md, _document-message.md, _sticker-message.md; audio
 * is not mentioned.
 */
const limits: SendLimits = {
  media: {
    image: { ...whatsApp.image, eightBitRgb: true },
    video: whatsApp.video,
    document: { ...whatsApp.document, needsFilename: true },
    sticker: whatsApp.sticker,
  },
  // The rate is not documented (UNVERIFIED).
  rate: { messages: 5, perMs: 1000, burst: 5 },
  recipient: whatsAppPerson,
  ways: ['link'],
};

export const sobot = defineProvider({
  id: 'sobot',
  envPrefix: 'SOBOT',
  settings: z.object({
    webhookSecret: secretList,
    apiKey: credential('For sending: the API key, from the API settings of the console').optional(),
    apiSecret: credential('For sending: the API secret that belongs to the key').optional(),
    apiUrl: apiUrl('https://api.sobot.in'),
    mediaHosts: hostList,
    metaAccessToken,
    metaApiUrl,
  }),
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open the webhook settings of your WhatsApp number in the console of Sobot (docs.sobot.in: Adding a Webhook).',
    `Set the webhook address to ${webhookUrl}?token=<webhookSecret>`,
    'Send a picture to your number: Sobot sends each event once, so what failed before does not come again.',
    'To send, give this channel the key and the secret of the API as apiKey and apiSecret; new ones end the old ones at once.',
  ],
  sending: { needs: [['apiKey', 'apiSecret']], options: sendOptions },
  create: ({ webhookSecret, apiKey, apiSecret, apiUrl, ...media }, now) => {
    // Links into the bucket sobot-assets have no signature in the samples, so there are no credentials.
    const { dialect, downloads } = passedOn(media, now);
    return {
      // No signature, header or handshake is documented (UNVERIFIED).
      ...sharedSecret(webhookSecret),
      parse: (payload) => parse(payload, dialect),
      downloads,
      ...(apiKey !== undefined &&
        apiSecret !== undefined && { sending: sendingOf({ apiKey, apiSecret, apiUrl }, now) }),
    };
  },
});

function parse(payload: unknown, dialect: MetaDialect): InboundEvent[] {
  return metaEvents(payload, dialect) ?? (isStatus(payload) ? [metaStatus(payload)] : []);
}

/**
 * `{id, status, timestamp}` without an envelope (_message-status.md). Two fields with a status are one that
 * lost its id.
 */
function isStatus(payload: unknown): boolean {
  const body = fieldsOf(payload);
  const { status, id } = body;
  if (typeof status !== 'string' || isAbsent(status)) return false;
  return !isAbsent(id) || Object.keys(body).length <= 2;
}

interface Account {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly apiUrl: string;
}

/**
 * free-flow-messages/*.md. Errors are not documented; only the HTTP status and `code` in the body are known.
 */
function sendingOf({ apiKey, apiSecret, apiUrl }: Account, now: () => Date): Sending {
  // Without the trailing slash, the path is a different one.
  const url = `${apiUrl}/message/`;
  const headers = { 'x-api-key': apiKey, 'x-api-secret': apiSecret };
  const requestFor = (message: OutboundMessage): HttpRequest | SendOutcome => {
    const type = typeOf(message);
    return type === undefined
      ? typeMissing
      : { method: 'POST', url, headers, json: outboundBody(message, type) };
  };
  return {
    checkOptions: optionsCheck(sendOptions),
    limitsFor: () => limits,
    limits: { default: limits },
    takesReply: () => false,
    apiUrl,
    send: sender(requestFor, {
      idIn: ({ body }) => identifier(fieldsOf(fieldsOf(body)['data'])['id']),
      errorIn: ({ code, message }) => (isAbsent(code) || code === 200 ? undefined : { code, message }),
      secrets: [apiKey, apiSecret],
      now,
    }),
  };
}

function outboundBody(message: OutboundMessage, type: string): object {
  const { kind, to, caption, filename, options } = message;
  return compact({
    type: kind,
    url: linkOf(message),
    mime_type: type,
    customer_number: to,
    customer_name: firstPresent([options['customerName'], to]),
    caption: kind === 'sticker' ? undefined : caption,
    filename: kind === 'document' ? filename : undefined,
  });
}
