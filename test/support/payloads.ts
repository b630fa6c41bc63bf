/**
 * Small payloads in the shapes of the providers, for tests of their treatment rather than of their details.
 */
import { createHash, randomUUID } from 'node:crypto';

import type { MediaKind } from '../../src/domain/provider.js';

export interface PictureOptions {
  readonly messageId?: string;
  readonly url?: string;
  readonly from?: string;
  readonly caption?: string;
}

/** An address that is refused before any connection. */
export const nowhere = 'http://127.0.0.1:1/picture.jpg';

type FullOptions = Required<PictureOptions>;

const pictures: Readonly<Record<string, (options: FullOptions) => object>> = {
  blip: ({ messageId, url, from, caption }) => ({
    id: messageId,
    from: `${from}@wa.gw.msging.net`,
    to: 'floraria@msging.net',
    type: 'application/vnd.lime.media-link+json',
    content: { type: 'image/jpeg', uri: url, text: caption },
    metadata: { '#wa.timestamp': '1795255200' },
  }),
  'z-api': (options) => zApiMedia(options),
  vonage: ({ messageId, url, from, caption }) => ({
    channel: 'whatsapp',
    message_uuid: messageId,
    to: '5511888880000',
    from,
    timestamp: '2026-11-21T10:00:00Z',
    message_type: 'image',
    image: { url, caption },
    profile: { name: 'Ana' },
  }),
  aisoule: ({ messageId, url, from, caption }) => ({
    event: 'message.received',
    timestamp: 1_795_255_200,
    data: {
      message_id: messageId,
      sender: from,
      recipient: '5511888880000',
      contact_name: 'Ana',
      type: 'image',
      image: { link: url, caption },
    },
  }),
  twilio: ({ messageId, url, from, caption }) => ({
    MessageSid: messageId,
    AccountSid: `AC${'0a'.repeat(16)}`,
    From: `whatsapp:+${from}`,
    To: 'whatsapp:+5511888880000',
    ProfileName: 'Ana',
    SmsStatus: 'received',
    NumMedia: '1',
    MediaUrl0: url,
    MediaContentType0: 'image/jpeg',
    Body: caption,
  }),
  sobot: ({ messageId, url, from, caption }) => [
    sobotChange({ id: messageId, from, type: 'image', image: { url, caption } }),
  ],
  custom: ({ messageId, url, from, caption }) => ({
    event: 'message',
    message: messageId,
    driver: { phone: from },
    note: caption,
    files: [{ kind: 'image', link: url }],
  }),
  meta: ({ messageId, url, from, caption }) => ({
    object: 'whatsapp_business_account',
    entry: [
      { id: '1', changes: [sobotChange({ id: messageId, from, type: 'image', image: { url, caption } })] },
    ],
  }),
  // Telegram knows no links: the id of the file stands for it, and messages have numbers.
  telegram: ({ messageId, url, from, caption }) => ({
    update_id: 1,
    message: {
      message_id: createHash('sha256').update(messageId).digest().readUInt32BE() >>> 1,
      from: { id: Number(from), is_bot: false, first_name: 'Ana' },
      chat: { id: Number(from), type: 'private', first_name: 'Ana' },
      date: 1_795_255_200,
      photo: [
        {
          file_id: Buffer.from(url).toString('base64url'),
          file_unique_id: messageId,
          width: 640,
          height: 480,
        },
      ],
      caption,
    },
  }),
};

/** The webhook about a picture that a person sends. */
export function picture(provider: string, options: PictureOptions = {}): object {
  const make = pictures[provider];
  if (make === undefined) throw new Error(`say in payloads.ts what a picture of ${provider} looks like`);
  return make({ messageId: randomUUID(), url: nowhere, from: '5511999990000', caption: 'look', ...options });
}

export interface ZApiOptions extends PictureOptions {
  readonly kind?: MediaKind;
  readonly filename?: string;
  /** Whether the business itself sent it, from its telephone. */
  readonly fromMe?: boolean;
  /** The group in which it was sent. */
  readonly group?: string;
}

/** An attachment at Z-API, whose payload contains every field that lists can filter by. */
export function zApiMedia(options: ZApiOptions = {}): object {
  const { messageId = randomUUID(), url = nowhere, from = '5511999990000', caption = 'look' } = options;
  const { kind = 'image', filename, fromMe = false, group } = options;
  return {
    type: 'ReceivedCallback',
    messageId,
    fromMe,
    fromApi: false,
    momment: 1_795_255_200_000,
    connectedPhone: '5511888880000',
    senderName: 'Ana',
    ...(group === undefined
      ? { phone: from, isGroup: false }
      : { phone: group, isGroup: true, participantPhone: from }),
    [kind]: { [`${kind}Url`]: url, caption, ...(filename !== undefined && { fileName: filename }) },
  };
}

/** The webhook of Z-API about the status of sent messages. */
export function zApiStatus(status: string, messageIds: readonly string[], at = 1_795_255_200_000): object {
  return { type: 'MessageStatusCallback', status, ids: messageIds, momment: at, phone: '5511999990000' };
}

/** One change in Sobot's array of changes, with a message in Meta's shape. */
export function sobotChange(message: Readonly<Record<string, unknown>>): object {
  return {
    field: 'messages',
    value: {
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: '5511888880000' },
      contacts: [{ wa_id: message['from'], profile: { name: 'Ana' } }],
      messages: [{ timestamp: '1795255200', ...message }],
    },
  };
}

/** A webhook of Blip with this many pictures, whose links lead nowhere. */
export function manyAttachments(count: number): object {
  return {
    id: `many ${String(count)}`,
    from: '5511@wa.gw.msging.net',
    to: 'bot@msging.net',
    type: 'application/vnd.lime.collection+json',
    content: {
      itemType: 'application/vnd.lime.media-link+json',
      items: Array.from({ length: count }, (_, index) => ({
        type: 'image/jpeg',
        uri: `http://127.0.0.1:1/${String(index)}`,
      })),
    },
  };
}
