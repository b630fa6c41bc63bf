import { AppError } from '../../domain/errors.js';

/** Decodes `data:<type>;base64,...`. Strict: nothing is skipped or guessed. Throws `media.invalid_url`. */
export function decodeDataUrl(text: string): Buffer {
  const comma = text.slice(0, maxHeadLength).indexOf(',');
  if (!/^data:[\w.+-]+\/[\w.+-]+(;[\w.+-]+=[\w.+-]+)*;base64,$/i.test(text.slice(0, comma + 1)))
    throw new AppError('media.invalid_url', 'must be data:<type>;base64,<base64>');
  const base64 = text.slice(comma + 1);
  const bytes = Buffer.from(base64, 'base64');
  // The decoder skips unknown characters, so only text that encodes back to itself is valid.
  if (base64 === '' || bytes.toString('base64') !== base64)
    throw new AppError('media.invalid_url', 'must be base64 according to RFC 4648, including padding');
  return bytes;
}

const maxHeadLength = 200;
