/**
 * Keeps the bytes of files that were read lately. The same key always has the same bytes, so nothing that is
 * kept becomes wrong.
 */
import { buffer } from 'node:stream/consumers';

import type { BlobStore } from './blob-store.js';

/**
 * Small previews have 5 to 30 KB, and photos from messengers 100 to 600 KB. Each kind has room of its own, so
 * that a few photos do not displace a thousand previews.
 */
const kinds = [
  { maxFileBytes: 64 * 1024, maxBytes: 16 * 1024 * 1024 },
  { maxFileBytes: 1024 * 1024, maxBytes: 16 * 1024 * 1024 },
] as const;
/** All bytes that are on their way to readers: a slow reader holds them although they are no longer kept. */
const maxLentBytes = 32 * 1024 * 1024;

/** All bytes of a file, until they are returned. */
export interface Loan {
  /** Rejects as the store does, or if there are fewer bytes than before. */
  readonly bytes: Promise<Buffer>;
  /** To be called once the reader has the bytes or is gone. Further calls do nothing. */
  readonly giveBack: () => void;
}

export interface RecentBytes {
  /**
   * The size of a file, asked of the store each time: a file that is gone must not be answered from memory.
   * Undefined if there is none; rejects as the store does.
   */
  readonly size: (key: string) => number | undefined | Promise<number | undefined>;
  /**
   * All bytes under a key, of which there are `size`. Undefined if the file is too large to be kept, or if
   * too many bytes are lent: then it is read in parts.
   */
  readonly borrow: (key: string, size: number) => Loan | undefined;
}

export function keepRecentBytes(blobs: Pick<BlobStore, 'read' | 'size' | 'sizeAtOnce'>): RecentBytes {
  const shelves = kinds.map(({ maxFileBytes, maxBytes }) => ({ maxFileBytes, ...createShelf(maxBytes) }));
  let lentBytes = 0;

  const readAll = async (key: string, size: number): Promise<Buffer> => {
    const bytes = await buffer(blobs.read(key, { start: 0, end: size - 1 }));
    if (bytes.length !== size) throw new Error('the file is shorter than it was');
    return bytes;
  };
  return {
    size: (key) =>
      blobs.sizeAtOnce && shelves.some(({ has }) => has(key)) ? blobs.sizeAtOnce(key) : blobs.size(key),
    borrow: (key, size) => {
      const shelf = shelves.find(({ maxFileBytes }) => size <= maxFileBytes);
      if (!shelf || lentBytes + size > maxLentBytes) return undefined;
      lentBytes += size;
      let isLent = true;
      return {
        bytes: shelf.get(key, size, () => readAll(key, size)),
        giveBack: () => {
          if (isLent) lentBytes -= size;
          isLent = false;
        },
      };
    },
  };
}

/** Files of up to `maxBytes` together. The one that was used least recently makes room. */
function createShelf(maxBytes: number) {
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
      if (keptBytes <= maxBytes) return;
      forget(oldest);
    }
  };
  return {
    has: (key: string): boolean => kept.has(key),
    get: async (key: string, size: number, read: () => Promise<Buffer>): Promise<Buffer> => {
      const known = kept.get(key);
      const bytes = known?.length === size ? known : await read();
      keep(key, bytes);
      return bytes;
    },
  };
}
