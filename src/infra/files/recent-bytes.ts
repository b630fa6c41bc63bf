/** Keeps the bytes of small files that were read lately. The same key always has the same bytes, so nothing that is kept becomes wrong. */
import { buffer } from 'node:stream/consumers';

import type { BlobStore } from './blob-store.js';

/** Small previews have 5 to 30 KB; what is larger is read in parts. */
export const mostRecentFileBytes = 64 * 1024;
/** All together. */
const mostBytes = 32 * 1024 * 1024;

export interface RecentBytes {
  /**
   * The size of a file, asked of the store each time: a file that is gone must not be answered from memory. Undefined if there is none; rejects
   * as the store does.
   */
  readonly size: (key: string) => number | undefined | Promise<number | undefined>;
  /**
   * All bytes under a key, of which there are `size`, at most {@link mostRecentFileBytes}. Rejects as the store does, or if there are fewer
   * bytes.
   */
  readonly read: (key: string, size: number) => Promise<Buffer>;
}

export function keepRecentBytes(blobs: Pick<BlobStore, 'read' | 'size' | 'sizeAtOnce'>): RecentBytes {
  /** The one that was used last is the last one. */
  const kept = new Map<string, Buffer>();
  let keptBytes = 0;

  const forget = (key: string): void => {
    keptBytes -= kept.get(key)?.length ?? 0;
    kept.delete(key);
  };
  const keep = (key: string, bytes: Buffer): void => {
    forget(key);
    kept.set(key, bytes);
    keptBytes += bytes.length;
    for (const oldest of kept.keys()) {
      if (keptBytes <= mostBytes) return;
      forget(oldest);
    }
  };

  return {
    size: (key) => (blobs.sizeAtOnce && kept.has(key) ? blobs.sizeAtOnce(key) : blobs.size(key)),
    read: async (key, size) => {
      const known = kept.get(key);
      if (known?.length === size) {
        kept.delete(key);
        kept.set(key, known);
        return known;
      }
      const bytes = await buffer(blobs.read(key, { start: 0, end: size - 1 }));
      if (bytes.length !== size) throw new Error('the file is shorter than it was');
      keep(key, bytes);
      return bytes;
    },
  };
}
