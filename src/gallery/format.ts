/** Formats times, sizes and names for people. */
import type { Media as MediaView } from '../client/answers.js';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const longDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const whole = new Intl.NumberFormat();

export const clock = (iso: string): string => time.format(new Date(iso));
export const fullTime = (iso: string): string => full.format(new Date(iso));
export const shortTime = (iso: string): string => short.format(new Date(iso));
export const number = (value: number): string => whole.format(value);

/** A key for the day of a moment in the time zone of the browser. */
export function dayKey(iso: string): string {
  const date = new Date(iso);
  return `${String(date.getFullYear())}-${String(date.getMonth() + 1)}-${String(date.getDate())}`;
}

/** `Today`, `Yesterday`, or the day. */
export function dayName(iso: string, now = new Date()): string {
  const date = new Date(iso);
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0 || days === 1) return capital(relative.format(-days, 'day'));
  return (date.getFullYear() === now.getFullYear() ? weekday : longDay).format(date);
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

const units = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** `3 minutes ago`, `in 2 hours`. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const unit = units.find(([, length]) => Math.abs(seconds) >= length);
  return unit ? relative.format(Math.round(seconds / unit[1]), unit[0]) : 'just now';
}

export function bytes(count: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), names.length - 1);
  const value = count / 1000 ** power;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 })} ${names[power] ?? ''}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${String(Math.round(seconds * 1000))} ms`;
  if (seconds < 120) return `${seconds.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
  if (seconds < 7_200) return `${String(Math.round(seconds / 60))} min`;
  return `${String(Math.round(seconds / 3_600))} h`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const kindNames = {
  image: 'Picture',
  video: 'Video',
  audio: 'Audio',
  document: 'Document',
  sticker: 'Sticker',
} as const satisfies Record<MediaView['kind'], string>;

export const stateNames = {
  pending: 'Waiting',
  ready: 'Ready',
  rejected: 'Rejected',
  failed: 'Failed',
  erased: 'Erased',
} as const satisfies Record<MediaView['state'], string>;

export const warningNames = {
  'media.damaged': 'Damaged',
  'media.no_decoder': 'No preview',
  'media.not_previewed': 'No preview yet',
  'media.too_many_pixels': 'Too large for a preview',
  'media.kind_differs': 'Not what was announced',
  'media.hash_mismatch': 'Different content than announced',
} as const satisfies Record<MediaView['warnings'][number]['code'], string>;

export const directionNames = { inbound: 'Received', outbound: 'Sent' } as const;

/** The sender's name, or else their identifier; empty after an erasure. */
export function personOf({ message }: MediaView): string {
  return message?.senderName ?? message?.from ?? '';
}

/** Describes a media item in one sentence, for screen readers and titles. */
export function describe(media: MediaView): string {
  const person = personOf(media);
  const parts = [
    `${kindNames[media.kind]}${person === '' ? '' : ` from ${person}`}`,
    media.message?.caption ?? media.filename,
    `${dayName(media.receivedAt)} ${clock(media.receivedAt)}`,
    media.state === 'ready' ? null : stateNames[media.state].toLowerCase(),
    isDeletedBySender(media) ? deletedBySender.toLowerCase() : null,
    ...media.warnings.map(({ code }) => warningNames[code].toLowerCase()),
  ];
  return parts.filter((part) => part !== null && part !== '').join(', ');
}

export const deletedBySender = 'Deleted by the sender';

/** Whether the sender deleted the message while Inlet still has the file. */
export function isDeletedBySender({ deletedBySenderAt, state }: MediaView): boolean {
  return deletedBySenderAt !== null && state !== 'erased';
}

/** Names of the statuses of a sent message. */
export const sendingNames = {
  queued: 'Waiting',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  failed: 'Failed',
  unknown: 'Unknown',
} as const;
