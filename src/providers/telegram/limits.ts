/**
 * What the Bot API accepts: core.telegram.org/bots/api#sending-files. The limits of links are those of the
 * official page as several libraries quote it.
 */
import type { MediaLimits, SendLimits } from '../../domain/sending.js';
import { captionLength, kilobyte, megabyte, officeTypes } from '../kit/whatsapp.js';

/** An animation. Telegram plays it as a silent video. */
export const gif = 'image/gif';
/** The type of an animated sticker, `.tgs`: a compressed drawing. */
export const compressedDrawing = 'application/gzip';
/** Ogg with the codec Opus is a voice note; other audio is music. */
export const voiceTypes: readonly string[] = ['audio/ogg', 'audio/opus'];

const pictureTypes = ['image/jpeg', 'image/png', 'image/webp', gif] as const;
const musicTypes = ['audio/mpeg', 'audio/mp4', 'audio/x-m4a'] as const;

/** Documents may have any type; these are the ones that bytes reveal. */
const documentTypes = [
  ...officeTypes,
  ...pictureTypes,
  ...musicTypes,
  ...voiceTypes,
  'application/zip',
  'application/gzip',
  'application/x-7z-compressed',
  'application/x-rar-compressed',
  'application/rtf',
  'application/json',
  'application/xml',
  'application/octet-stream',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.oasis.opendocument.spreadsheet',
  'application/vnd.oasis.opendocument.presentation',
  'text/csv',
  'text/html',
  'text/vcard',
  'text/calendar',
  'image/heic',
  'image/heif',
  'image/avif',
  'image/tiff',
  'image/bmp',
  'image/svg+xml',
  'video/mp4',
  'video/quicktime',
  'video/webm',
  'video/3gpp',
  'audio/aac',
  'audio/amr',
  'audio/wav',
] as const;

const image: MediaLimits = {
  types: pictureTypes,
  maxBytes: 10 * megabyte,
  maxCaption: captionLength,
  maxEdges: 10_000,
  maxRatio: 20,
};
const video: MediaLimits = { types: ['video/mp4', gif], maxBytes: 50 * megabyte, maxCaption: captionLength };
const audio: MediaLimits = {
  types: [...musicTypes, ...voiceTypes],
  maxBytes: 50 * megabyte,
  maxCaption: captionLength,
};
const document: MediaLimits = { types: documentTypes, maxBytes: 50 * megabyte, maxCaption: captionLength };
/** The size is that of sticker sets; whether it applies to messages is UNVERIFIED. */
const sticker: MediaLimits = {
  types: ['image/webp', compressedDrawing, 'video/webm'],
  maxBytes: 512 * kilobyte,
  maxCaption: 0,
};

export const limits: SendLimits = {
  media: { image, video, audio, document, sticker },
  linkedMedia: {
    image: { ...image, maxBytes: 5 * megabyte },
    video: { ...video, maxBytes: 20 * megabyte },
    audio: { ...audio, maxBytes: 20 * megabyte },
    document: { ...document, types: ['application/pdf', 'application/zip', gif], maxBytes: 20 * megabyte },
    sticker: { ...sticker, types: ['image/webp'] },
  },
  /** About 30 messages a second for a bot (core.telegram.org/bots/faq); the real limits are unspecified. */
  rate: { messages: 30, perMs: 1000, burst: 30 },
  recipient: {
    description:
      'the id of a person, a group or a channel, which may be negative, or the @name of a public channel',
    pattern: '-?\\d{1,19}|@[A-Za-z]\\w{3,31}',
  },
  ways: ['upload', 'link'],
};

/**
 * One message a second to a person, and 20 a minute to a group (core.telegram.org/bots/faq). In milliseconds.
 */
export function recipientIntervalMs(to: string): number {
  return /^\d/.test(to) ? 1_000 : 3_000;
}
