/**
 * What each kind of sender may send: twilio.com/docs/messaging/guides/accepted-mime-types and docs/whatsapp.
 */
import type { SendLimits } from '../../domain/sending.js';
import { businessScopedId, kilobyte, megabyte, phoneNumber, whatsApp } from '../kit/whatsapp.js';
import { type SenderKind, senderKind } from './account.js';

/** The text of a message, which is the caption. */
const maxText = 1600;

/** Twilio queues more than it sends; how much it accepts at once is UNVERIFIED. It answers 429 to more. */
const shared = { rate: { messages: 10, perMs: 1000, burst: 10 }, ways: ['link'] } as const;

const office = 'application/vnd.openxmlformats-officedocument.';

const whatsAppMedia: SendLimits['media'] = {
  image: { ...whatsApp.image, maxCaption: maxText },
  video: { types: ['video/mp4'], maxBytes: 16 * megabyte, maxCaption: maxText },
  // A text with a sound is left out, or the message fails (UNVERIFIED), so there is none.
  audio: {
    types: ['audio/ogg', 'audio/amr', 'audio/3gpp', 'audio/aac', 'audio/mpeg'],
    maxBytes: 16 * megabyte,
    maxCaption: 0,
  },
  // WhatsApp shows neither the text nor the name of a document.
  document: {
    types: [
      'application/pdf',
      'application/msword',
      'application/x-cfb',
      `${office}wordprocessingml.document`,
      `${office}spreadsheetml.sheet`,
      `${office}presentationml.presentation`,
    ],
    maxBytes: 16 * megabyte,
    maxCaption: 0,
  },
  // That a WebP file is sent as a sticker is UNVERIFIED.
  sticker: whatsApp.sticker,
};

/** Types other than these pictures may have 500 KB. */
const mmsMedia: SendLimits['media'] = {
  image: { types: ['image/jpeg', 'image/png', 'image/gif'], maxBytes: 5 * megabyte, maxCaption: maxText },
  video: { types: ['video/mp4', 'video/3gpp'], maxBytes: 500 * kilobyte, maxCaption: maxText },
  audio: {
    types: ['audio/mpeg', 'audio/ogg', 'audio/amr', 'audio/3gpp', 'audio/mp4'],
    maxBytes: 500 * kilobyte,
    maxCaption: maxText,
  },
  document: {
    types: ['application/pdf', 'text/vcard', 'text/x-vcard'],
    maxBytes: 500 * kilobyte,
    maxCaption: maxText,
  },
};

/** Texts beside media are UNVERIFIED for RCS, so there are none. */
const rcsMedia: SendLimits['media'] = {
  image: { types: ['image/jpeg', 'image/png', 'image/gif'], maxBytes: 16 * megabyte, maxCaption: 0 },
  video: { types: ['video/mp4'], maxBytes: 16 * megabyte, maxCaption: 0 },
  audio: { types: ['audio/mpeg', 'audio/ogg'], maxBytes: 16 * megabyte, maxCaption: 0 },
  document: { types: ['application/pdf'], maxBytes: 16 * megabyte, maxCaption: 0 },
};

/** `+` before a number is allowed, too. */
const telephone = {
  description: phoneNumber.description,
  pattern: `\\+?${phoneNumber.pattern}`,
};

const whatsAppUser = {
  description: `${phoneNumber.description}; or the id of a user without one, like BR.13491208655302741918`,
  pattern: `(?:whatsapp:)?${businessScopedId}|(?:whatsapp:)?\\+${phoneNumber.pattern}|${phoneNumber.pattern}`,
};

const limitsOfKinds: Readonly<Record<SenderKind, SendLimits>> = {
  whatsapp: { ...shared, media: whatsAppMedia, recipient: whatsAppUser },
  rcs: { ...shared, media: rcsMedia, recipient: telephone },
  service: { ...shared, media: mmsMedia, recipient: telephone },
  number: { ...shared, media: mmsMedia, recipient: telephone },
  name: { ...shared, media: mmsMedia, recipient: telephone },
};

/** The limits of messages from this sender. */
export function limitsFrom(from: string): SendLimits {
  return limitsOfKinds[senderKind(from)];
}
