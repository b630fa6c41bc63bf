import { AppError } from '../../domain/errors.js';

/** The bytes of `data:<type>;base64,...`. Strict: nothing is skipped or guessed. Throws `media.invalid_url`. */
export function decodeDataUrl(text: string): Buffer {
  const comma = text.slice(0, longestHead).indexOf(',');
  if (!/^data:[\w.+-]+\/[\w.+-]+(;[\w.+-]+=[\w.+-]+)*;base64,$/i.test(text.slice(0, comma + 1)))
    throw new AppError('media.invalid_url', 'is not data:<type>;base64,<base64>');
  const base64 = text.slice(comma + 1);
  const bytes = Buffer.from(base64, 'base64');
  // The decoder skips what it does not know: only what comes out the same was written right.
  if (base64 === '' || bytes.toString('base64') !== base64)
    throw new AppError('media.invalid_url', 'is not base64 as RFC 4648 has it, padding included');
  return bytes;
}

const longestHead = 200;
