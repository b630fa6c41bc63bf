/** Reads parts of a stored file as if they were a file of their own. */
import { pipeline, Transform, type Readable } from 'node:stream';

import type { ByteRange } from '../../domain/media.js';
import type { BlobStore } from './blob-store.js';

/** The number of bytes in all ranges together. */
export function bytesIn(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
}

/**
 * The ranges of the file for a range of the bytes that they are together. `wanted` must lie within these
 * bytes.
 */
export function rangesWithin(ranges: readonly ByteRange[], wanted: ByteRange): readonly ByteRange[] {
  const found: ByteRange[] = [];
  let before = 0;
  for (const { start, end } of ranges) {
    const from = Math.max(start, start + wanted.start - before);
    const to = Math.min(end, start + wanted.end - before);
    if (from <= to) found.push({ start: from, end: to });
    before += end - start + 1;
  }
  return found;
}

/**
 * Reads ranges of a stored file, which must be in ascending order, as one stream. The store receives one
 * request; the bytes between the ranges are skipped here. They are few, because each further request to a
 * remote store would cost more than reading them.
 */
export function readRanges(
  store: Pick<BlobStore, 'read'>,
  key: string,
  ranges: readonly ByteRange[],
): Readable {
  const start = ranges[0]?.start ?? 0;
  const end = ranges.at(-1)?.end ?? 0;
  const bytes = store.read(key, { start, end });
  if (ranges.length === 1) return bytes;
  // If the reader leaves or the store fails, the other one is closed as well. The reader receives the error.
  return pipeline(bytes, withoutGaps(ranges, start), () => undefined);
}

/** Lets the bytes within the ranges pass, of a stream that begins at `from`. */
function withoutGaps(ranges: readonly ByteRange[], from: number): Transform {
  let at = from;
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      for (const { start, end } of ranges) {
        const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end + 1 - at));
        if (part.length > 0) this.push(part);
      }
      at += chunk.length;
      done();
    },
  });
}
