/**
 * Reads foreign JSON whose shape may have changed or be hostile. Nothing here throws, and no returned text
 * contains what PostgreSQL cannot store: NUL characters and lone surrogates.
 */
import { ownValue } from '../../domain/own-value.js';
import { isStorable } from '../../domain/text.js';

export type JsonRecord = Readonly<Record<string, unknown>>;

const noFields: JsonRecord = Object.freeze({});
const unstorable = /\0|\p{Surrogate}/gu;

/** The longest identifier that is stored; longer text is not an identifier. */
const maxIdLength = 255;
/**
 * ITU-T E.164: longer runs of digits are other identifiers, for example WhatsApp's old group ids
 * `<phone>-<time>`.
 */
const maxPhoneDigits = 15;

export function asRecord(value: unknown): JsonRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonRecord)
    : undefined;
}

/** The fields of an object; none if the value is not an object. */
export function fieldsOf(value: unknown): JsonRecord {
  return asRecord(value) ?? noFields;
}

/**
 * Whether a provider means that a value is absent. Besides omitting a field, providers write null, a blank
 * text, `false`, and an empty object or list. Foreign fields are tested with this function only (ESLint
 * enforces it): what is absent beside a picture must never cost the picture.
 */
export function isAbsent(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  if (typeof value === 'string') return value.trim() === '';
  return typeof value === 'object' && isEmpty(value);
}

function isEmpty(value: object): boolean {
  if (Array.isArray(value)) return value.length === 0;
  // Does not list all names, because a hostile object has a million of them.
  for (const name in value) if (Object.hasOwn(value, name)) return false;
  return true;
}

/** Whether no field of an object has a value. */
export function hasNoValues(record: JsonRecord): boolean {
  return Object.values(record).every(isAbsent);
}

/** The first value that is present. */
export function firstPresent(values: readonly unknown[]): unknown {
  return values.find((value) => !isAbsent(value));
}

/** The items of a list; none if it is absent, undefined if it is not a list. */
export function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as unknown[];
  return isAbsent(value) ? [] : undefined;
}

/** Looks up a foreign key in a table, never an inherited one (`constructor`, `__proto__`). */
export function lookUp<Value>(table: Readonly<Record<string, Value>>, key: unknown): Value | undefined {
  return typeof key === 'string' ? ownValue(table, key) : undefined;
}

export function textOrNull(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = isStorable(value)
    ? value
    : value.replace(unstorable, (found) => (found === '\0' ? '' : '\uFFFD'));
  return isAbsent(text) ? null : text;
}

/** The first value that is a web address, or else the first text. */
export function firstAddress(values: readonly unknown[]): unknown {
  const texts = values.filter((value) => typeof value === 'string' && !isAbsent(value));
  return texts.find((text) => /^\s*https?:\/\//i.test(String(text))) ?? texts[0];
}

/** The first value that is a text. */
export function firstText(values: readonly unknown[]): string | null {
  for (const value of values) {
    const text = textOrNull(value);
    if (text !== null) return text;
  }
  return null;
}

/**
 * An identifier exactly as given, or undefined. An identifier that cannot be stored unchanged is refused
 * rather than repaired, because two different identifiers must never become the same.
 */
export function identifier(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > maxIdLength || value.trim() === '') return undefined;
  return isStorable(value) ? value : undefined;
}

/** A person or an account: digits only for a phone number, otherwise the identifier as given. */
export function personId(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? String(value) : undefined;
  const id = identifier(value)?.trim();
  if (id === undefined || !/^\+?[\d\s()-]+$/.test(id)) return id;
  const digits = id.replace(/\D/g, '');
  return digits !== '' && digits.length <= maxPhoneDigits ? digits : id;
}

/**
 * A non-blank address of a file, which is checked when it is downloaded. Characters that cannot be stored are
 * written as a URL parser would.
 */
export function address(value: unknown): string | undefined {
  if (typeof value !== 'string' || isAbsent(value)) return undefined;
  return isStorable(value) ? value : value.replaceAll('\0', '%00').toWellFormed();
}

/** A SHA-256 as 64 hex digits. WhatsApp's webhooks spell it in base64, its media lookup in hex. */
export function sha256OrNull(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  if (/^[\da-f]{64}$/i.test(value)) return value.toLowerCase();
  return /^[\w+/-]{43}=?$/.test(value) ? Buffer.from(value, 'base64').toString('hex') : null;
}

export function dateFromSeconds(value: unknown): Date | null {
  return plausibleDate(numberOf(value) * 1000);
}

export function dateFromMillis(value: unknown): Date | null {
  return plausibleDate(numberOf(value));
}

/** ISO 8601, in UTC if there is no offset. */
export function dateFromIso(value: unknown): Date | null {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d(T[\d:.]+)?(Z|[+-]\d\d:?\d\d)?$/.test(value))
    return null;
  return plausibleDate(Date.parse(/T[\d:.]+$/.test(value) ? `${value}Z` : value));
}

/** The format of e-mail: `Sat, 21 Nov 2026 10:00:00 +0000`. */
export function dateFromRfc2822(value: unknown): Date | null {
  const isDate =
    typeof value === 'string' &&
    /^(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT|UTC)$/.test(value);
  return isDate ? plausibleDate(Date.parse(value)) : null;
}

/** Providers also write numbers as strings. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d{1,16}(\.\d{1,9})?$/.test(value) ? Number(value) : NaN;
}

const year2000 = Date.UTC(2000, 0);
const year2100 = Date.UTC(2100, 0);

/** Anything else has the wrong unit or is not a date. */
function plausibleDate(ms: number): Date | null {
  return ms >= year2000 && ms < year2100 ? new Date(ms) : null;
}
