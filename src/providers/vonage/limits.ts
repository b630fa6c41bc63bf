/** The limits of each of Vonage's channels: APIs-guru/openapi-directory nexmo.com/messages-olympus 1.4.0. */
import type { SendLimits } from '../../domain/sending.js';
import { megabyte, officeTypes, phoneNumber, whatsApp, whatsAppPerson } from '../kit/whatsapp.js';

export const channels = ['whatsapp', 'messenger', 'mms', 'viber_service'] as const;
export type Channel = (typeof channels)[number];

/**
 * For the Messages API, only the status 429 is documented (UNVERIFIED). An account may send 30 text messages
 * a second (api.support.vonage.com 203993598), and one a second from a long number of the USA, the usual
 * number for MMS.
 */
const rate = { messages: 10, perMs: 1000, burst: 10 };
const mmsRate = { messages: 1, perMs: 1000, burst: 1 };

/**
 * The size limits are WhatsApp's throughout: for the other channels none are documented, except for Viber's
 * files.
 */
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
    // Its videos require a length and a preview picture, which the service does not have.
    media: {
      image: { ...whatsApp.image, ...captions(1000) },
      document: { ...document, maxBytes: 200 * megabyte, ...captions(0) },
    },
  },
};

/** The image service accepts JPEG; its size limit is UNVERIFIED, it answers 413. It has no captions. */
export const limitsOfConversation: SendLimits = {
  rate,
  media: { image: { types: ['image/jpeg'], maxBytes: 5 * megabyte, maxCaption: 0 } },
  recipient: { description: 'the id of a conversation, CON-…', pattern: 'CON-[\\w-]{1,100}' },
  ways: ['upload'],
};
