/**
 * WhatsApp's limits, for any provider: developers.facebook.com, whatsapp cloud-api reference media. The
 * documentation counts in MB; as everywhere in Inlet, 1 MB is 1024 * 1024 bytes, so a picture of 5 242 880
 * bytes passes and one byte more does not.
 */
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits } from '../../domain/sending.js';

export const kilobyte = 1024;
export const megabyte = 1024 * kilobyte;

export const captionLength = 1024;

/** Digits with country code (ITU-T E.164). */
export const phoneNumber = {
  description: 'a phone number with country code, 7 to 15 digits only',
  pattern: '\\d{7,15}',
};

/**
 * The id of a WhatsApp user without a phone number: the country and up to 128 letters and digits
 * (developers.facebook.com, business-scoped-user-ids).
 */
export const businessScopedId = '[A-Z]{2}\\.[A-Za-z0-9]{1,128}';

/** Any WhatsApp user. */
export const whatsAppPerson = {
  description: `${phoneNumber.description}; or the id of a user without one, like BR.13491208655302741918`,
  pattern: `${phoneNumber.pattern}|${businessScopedId}`,
};

/** Types of the bytes: old Word, Excel and PowerPoint files share a container, `application/x-cfb`. */
export const officeTypes = [
  'application/pdf',
  'application/msword',
  'application/vnd.ms-excel',
  'application/vnd.ms-powerpoint',
  'application/x-cfb',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'text/plain',
] as const;

export const whatsApp = {
  image: { types: ['image/jpeg', 'image/png'], maxBytes: 5 * megabyte, maxCaption: captionLength },
  video: { types: ['video/mp4', 'video/3gpp'], maxBytes: 16 * megabyte, maxCaption: captionLength },
  audio: {
    types: ['audio/mpeg', 'audio/aac', 'audio/amr', 'audio/mp4', 'audio/x-m4a', 'audio/ogg'],
    maxBytes: 16 * megabyte,
    maxCaption: 0,
  },
  document: { types: officeTypes, maxBytes: 100 * megabyte, maxCaption: captionLength },
  // Animated stickers may have 500 KB, but whether one is animated is unknown before decoding.
  sticker: { types: ['image/webp'], maxBytes: 100 * kilobyte, maxCaption: 0 },
} as const satisfies Record<MediaKind, MediaLimits>;
