/** Small payloads in the providers' shapes, for tests that care about what becomes of them rather than how they look. */
import { randomUUID } from 'node:crypto';

import type { MediaKind } from '../../src/domain/provider.js';

export interface PictureOptions {
  readonly messageId?: string;
  readonly url?: string;
  readonly from?: string;
  readonly caption?: string;
}

/** An address that is refused before anybody is asked. */
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
  sobot: ({ messageId, url, from, caption }) => [
    sobotChange({ id: messageId, from, type: 'image', image: { url, caption } }),
  ],
};

/** A picture that a person sends, as the provider tells of it. */
export function picture(provider: string, options: PictureOptions = {}): object {
  const make = pictures[provider];
  if (make === undefined) throw new Error(`say in payloads.ts what a picture of ${provider} looks like`);
  return make({ messageId: randomUUID(), url: nowhere, from: '5511999990000', caption: 'look', ...options });
}

export interface ZApiOptions extends PictureOptions {
  readonly kind?: MediaKind;
  readonly filename?: string;
  /** Written by somebody of the business on their telephone. */
  readonly fromMe?: boolean;
  /** The group that it was written in. */
  readonly group?: string;
}

/** An attachment at Z-API, whose one shape has all that there is to filter by. */
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

/** What became of messages that we sent, at Z-API. */
export function zApiStatus(status: string, messageIds: readonly string[], at = 1_795_255_200_000): object {
  return { type: 'MessageStatusCallback', status, ids: messageIds, momment: at, phone: '5511999990000' };
}

/** One change in Sobot's array of them, with a message in Meta's shape. */
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
