/** What each of Vonage's channels takes: APIs-guru/openapi-directory nexmo.com/messages-olympus 1.4.0. */
import type { SendLimits } from '../../domain/sending.js';
import { megabyte, officeTypes, phoneNumber, whatsApp, whatsAppPerson } from '../kit/whatsapp.js';

export const channels = ['whatsapp', 'messenger', 'mms', 'viber_service'] as const;
export type Channel = (typeof channels)[number];

/**
 * Nothing is documented for the Messages API but its answer 429 (UNVERIFIED). Of text messages an account may send 30 a second
 * (api.support.vonage.com 203993598), and one a second from a long number of the USA, which is how most MMS go.
 */
const rate = { messages: 10, perMs: 1000, burst: 10 };
const mmsRate = { messages: 1, perMs: 1000, burst: 1 };

/** The limits of bytes are WhatsApp's throughout: of the other channels none are given, save for Viber's files. */
const withGif = { ...whatsApp.image, types: [...whatsApp.image.types, 'image/gif'] };
const document = { ...whatsApp.document, types: [...officeTypes, 'application/zip'] };
const captions = (maxCaption: number) => ({ maxCaption });

const shared = { recipient: phoneNumber, ways: ['link'] } as const;

export const limitsOfChannels: Readonly<Record<Channel, SendLimits>> = {
  whatsapp: { ...shared, rate, media: whatsApp, recipient: whatsAppPerson },
  messenger: {
    ...shared,
    rate,
    media: {
      image: { ...withGif, ...captions(0) },
      video: { ...whatsApp.video, ...captions(0) },
      audio: whatsApp.audio,
      document: { ...document, ...captions(0) },
    },
    recipient: { description: "a person's id at the page, digits only", pattern: '\\d{1,50}' },
  },
  mms: {
    ...shared,
    rate: mmsRate,
    media: {
      image: { ...withGif, ...captions(2000) },
      video: { ...whatsApp.video, ...captions(2000) },
      audio: whatsApp.audio,
    },
  },
  viber_service: {
    ...shared,
    rate,
    // Its videos need a length and a preview picture, which we do not have.
    media: {
      image: { ...whatsApp.image, ...captions(1000) },
      document: { ...document, maxBytes: 200 * megabyte, ...captions(0) },
    },
  },
};

/** The image service takes JPEG; how large is UNVERIFIED, it answers 413. Captions are unknown to it. */
export const limitsOfConversation: SendLimits = {
  rate,
  media: { image: { types: ['image/jpeg'], maxBytes: 5 * megabyte, maxCaption: 0 } },
  recipient: { description: 'the id of a conversation, CON-…', pattern: 'CON-[\\w-]{1,100}' },
  ways: ['upload'],
};
