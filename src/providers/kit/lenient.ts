/**
 * Reading foreign JSON that may have drifted or be hostile. Nothing here throws, and no text that comes out holds
 * what PostgreSQL cannot store: NUL characters and lone surrogates.
 */
export type JsonRecord = Readonly<Record<string, unknown>>;

const noFields: JsonRecord = Object.freeze({});
const unstorable = /\0|\p{Surrogate}/gu;
const loneSurrogate = /\p{Surrogate}/gu;

/** The longest identifier that is kept; a longer one is not an identifier. */
const maxIdLength = 255;
/** ITU-T E.164: longer runs of digits are other identifiers, e.g. WhatsApp's old group ids `<phone>-<time>`. */
const maxPhoneDigits = 15;

export function asRecord(value: unknown): JsonRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonRecord)
    : undefined;
}

/** The fields of an object; none when it is not one. */
export function fieldsOf(value: unknown): JsonRecord {
  return asRecord(value) ?? noFields;
}

/** Providers send an explicit null where they mean "not there". */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** What a table says about a foreign key; never what it inherits (`constructor`, `__proto__`). */
export function lookUp<Value>(table: Readonly<Record<string, Value>>, key: unknown): Value | undefined {
  return typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;
}

export function textOrNull(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = value.replace(unstorable, (found) => (found === '\0' ? '' : '\uFFFD'));
  return text === '' ? null : text;
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
 * An identifier exactly as given, or undefined. One that could not be stored as it is is refused, not repaired:
 * two different identifiers must never become the same.
 */
export function identifier(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > maxIdLength || value.trim() === '') return undefined;
  return value.search(unstorable) === -1 ? value : undefined;
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
 * An address of bytes, whatever it holds: it is checked when it is fetched. What cannot be stored is written the
 * way a URL parser would write it.
 */
export function address(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return value.replaceAll('\0', '%00').replace(loneSurrogate, '\uFFFD');
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

/** ISO 8601, in UTC where no offset is given. */
export function dateFromIso(value: unknown): Date | null {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d(T[\d:.]+)?(Z|[+-]\d\d:?\d\d)?$/.test(value))
    return null;
  return plausibleDate(Date.parse(/T[\d:.]+$/.test(value) ? `${value}Z` : value));
}

/** Providers write numbers as strings, too. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d{1,16}(\.\d{1,9})?$/.test(value) ? Number(value) : NaN;
}

const year2000 = Date.UTC(2000, 0);
const year2100 = Date.UTC(2100, 0);

/** Anything else is a mistake in units or no date at all. */
function plausibleDate(ms: number): Date | null {
  return ms >= year2000 && ms < year2100 ? new Date(ms) : null;
}
