/** Formats times, sizes and names for people, in their language. */
import { computed } from '@preact/signals';

import type { Media as MediaView, Person as PersonView } from '../client/answers.js';
import { typeName } from '../domain/type-names.js';
import { isMessageId, locale, t } from './languages/text.js';

const formats = computed(() => {
  const dates = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale.value, options);
  return {
    time: dates({ hour: '2-digit', minute: '2-digit' }),
    full: dates({ dateStyle: 'medium', timeStyle: 'medium' }),
    short: dates({ dateStyle: 'medium', timeStyle: 'short' }),
    weekday: dates({ weekday: 'long', day: 'numeric', month: 'long' }),
    month: dates({ month: 'long', year: 'numeric' }),
    dayOfMonth: dates({ day: 'numeric', month: 'short' }),
    longDay: dates({ day: 'numeric', month: 'long', year: 'numeric' }),
    shortDay: dates({ day: 'numeric', month: 'short', timeZone: 'UTC' }),
    relative: new Intl.RelativeTimeFormat(locale.value, { numeric: 'auto' }),
  };
});

export const clock = (iso: string): string => formats.value.time.format(new Date(iso));
export const fullTime = (iso: string): string => formats.value.full.format(new Date(iso));
export const shortTime = (iso: string): string => formats.value.short.format(new Date(iso));
export const number = (value: number): string => decimal(value, 3);

/** The day and month of a day in UTC, as the service counts days; empty if there is none. */
export function shortDay(day: string | undefined): string {
  return day === undefined ? '' : formats.value.shortDay.format(new Date(day));
}

/** `October 2026`. */
export const monthName = (date: Date): string => capital(formats.value.month.format(date));
/** `3 Oct`. */
export const dayOfMonth = (iso: string): string => formats.value.dayOfMonth.format(new Date(iso));

export function percent(share: number): string {
  return share.toLocaleString(locale.value, { style: 'percent', maximumFractionDigits: 1 });
}

function decimal(value: number, digits: number): string {
  return value.toLocaleString(locale.value, { maximumFractionDigits: digits });
}

/** `Today`, `Yesterday`, or the day. */
export function dayName(iso: string, now = new Date()): string {
  const { relative, weekday, longDay } = formats.value;
  const date = new Date(iso);
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0 || days === 1) return capital(relative.format(-days, 'day'));
  return capital((date.getFullYear() === now.getFullYear() ? weekday : longDay).format(date));
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
  if (!unit) return t('time.now');
  return formats.value.relative.format(Math.round(seconds / unit[1]), unit[0]);
}

export function bytes(count: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), names.length - 1);
  const value = count / 1000 ** power;
  return `${decimal(value, value < 10 && power > 0 ? 1 : 0)} ${names[power] ?? ''}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${String(Math.round(seconds * 1000))} ms`;
  if (seconds < 120) return `${decimal(seconds, 1)} s`;
  if (seconds < 7_200) return `${String(Math.round(seconds / 60))} min`;
  return `${String(Math.round(seconds / 3_600))} h`;
}

export function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(locale.value) + text.slice(1);
}

function lowerCase(text: string): string {
  return text.toLocaleLowerCase(locale.value);
}

/** The common name of a MIME type. */
export function typeLabel(type: string): string {
  const name = typeName(type);
  const id = `type_name.${name}`;
  return isMessageId(id) ? t(id) : name;
}

/**
 * The sender's name, or else their identifier; the recipient of what was sent from here. Empty after an
 * erasure.
 */
export function personOf({ message, direction }: MediaView): string {
  if (direction === 'outbound') return message?.to ?? '';
  return message?.senderName ?? message?.from ?? '';
}

/** The identifier of the customer: the sender of a received message, or the recipient of a sent one. */
export function customerOf({ direction, message }: MediaView): string {
  return (direction === 'inbound' ? message?.from : message?.to) ?? '';
}

/** The name of a person or a group, or else the number or id. */
export function nameOf({ name, number, id }: Pick<PersonView, 'name' | 'number' | 'id'>): string {
  return name ?? (number === null ? id : phone(number));
}

/** A phone number as people write it, from its digits. Countries other than Brazil get no groups. */
export function phone(digits: string): string {
  const [, area, first, last] = /^55(\d\d)(\d{4,5})(\d{4})$/.exec(digits) ?? [];
  if (area === undefined || first === undefined || last === undefined) return `+${digits}`;
  return `+55 (${area}) ${first}-${last}`;
}

/** `Picture from Ana` or `Picture to Ana`, or `Picture` if the person is unknown. */
export function kindAndPerson(media: MediaView): string {
  const kind = t(`kind.${media.kind}`);
  const person = personOf(media);
  if (person === '') return kind;
  return media.direction === 'outbound' ? t('kind.to', { kind, person }) : t('kind.from', { kind, person });
}

/** Describes a media item in one sentence, for screen readers and titles. */
export function describe(media: MediaView): string {
  const parts = [
    kindAndPerson(media),
    media.message?.caption ?? media.filename,
    `${dayName(media.receivedAt)} ${clock(media.receivedAt)}`,
    media.state === 'ready' ? null : lowerCase(t(`state.${media.state}`)),
    isDeletedBySender(media) ? lowerCase(t('media.deleted_by_sender')) : null,
    ...media.warnings.map(({ code }) => lowerCase(t(`warning.${code}`))),
  ];
  return parts.filter((part) => part !== null && part !== '').join(', ');
}

/** Whether the sender deleted the message while Inlet still has the file. */
export function isDeletedBySender({ deletedBySenderAt, state }: MediaView): boolean {
  return deletedBySenderAt !== null && state !== 'erased';
}
