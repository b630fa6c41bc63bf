/**
 * Files that a webhook itself contains, as Base64. Nothing of them is copied: the media item refers to the
 * stored webhook and to the place of the text in it. As soon as the webhook is erased, the file is gone.
 */
import { AppError } from './errors.js';
import { ownValue } from './own-value.js';

/** Where the text of an embedded file is. */
export interface EmbeddedPlace {
  /** The SHA-256 of the webhook's bytes in hex, which identifies it within its channel. */
  readonly contentHash: string;
  /** A JSON Pointer (RFC 6901) into its payload. */
  readonly pointer: string;
}

/** How references to embedded files begin. */
export const embeddedPrefix = 'embedded:';

/** The reference that stands for an embedded file in the media item. */
export function embeddedReference({ contentHash, pointer }: EmbeddedPlace): string {
  return `${embeddedPrefix}${contentHash}:${pointer}`;
}

/**
 * Whether a text looks like a reference to an embedded file, so that no provider's own id may be this text.
 */
export function looksEmbedded(reference: string): boolean {
  return reference.startsWith(embeddedPrefix);
}

/** The place of an embedded file; undefined for the reference of another kind. */
export function embeddedPlaceOf(reference: string): EmbeddedPlace | undefined {
  const [, contentHash, pointer = ''] = /^embedded:([\da-f]{64}):([^]*)$/.exec(reference) ?? [];
  return contentHash === undefined ? undefined : { contentHash, pointer };
}

/** The value at a JSON Pointer, or undefined if there is none. */
export function valueAt(payload: unknown, pointer: string): unknown {
  let value = payload;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null) return undefined;
    value = ownValue(value as Readonly<Record<string, unknown>>, name);
  }
  return value;
}

/** Base64 of RFC 4648 in either alphabet, with or without padding. */
const base64 = /^[\w+/-]*={0,2}$/;
const dataUrlHead = /^\s*data:[^,]{0,1000};base64,/i;

/**
 * The bytes of Base64 or of a data URL with Base64. Line breaks and blanks are skipped. Throws
 * `media.too_large` before anything is decoded, and `media.provider_failed` for any other text, also for an
 * empty one: another attempt would find the same.
 */
export function decodeEmbedded(text: string, maxBytes: number): Buffer {
  const head = dataUrlHead.exec(text.slice(0, 1_100))?.[0] ?? '';
  const encoded = text.slice(head.length).replace(/\s+/g, '');
  const digits = encoded.length - (/=+$/.exec(encoded.slice(-2))?.[0].length ?? 0);
  if (!base64.test(encoded) || digits % 4 === 1)
    throw new AppError('media.provider_failed', 'the file in the webhook is not Base64');
  if (digits === 0) throw new AppError('media.provider_failed', 'the file in the webhook is empty');
  if (Math.floor((digits * 3) / 4) > maxBytes)
    throw new AppError('media.too_large', `the file in the webhook has more than ${String(maxBytes)} bytes`);
  return Buffer.from(encoded, 'base64');
}
