/** Removes the files of blobs that nobody uses any more. */
import { keysOf, type BlobStore } from '../infra/blob-store.js';
import { discardAtOnce, type Orphans, type StoredBlob } from '../infra/orphans.js';

export interface DiscardOptions {
  readonly orphans: Orphans;
  readonly blobs: Pick<BlobStore, 'remove'>;
}

/** Safe to run twice, and for blobs that have found a user again. */
export type Discard = (sha256s: readonly string[]) => Promise<void>;

export function createDiscard({ orphans, blobs }: DiscardOptions): Discard {
  const removeOne = async (blob: StoredBlob): Promise<void> => {
    // In this order: whoever finds the bytes counts on the previews.
    for (const key of keysOf(blob)) await blobs.remove(key);
  };
  const removeFiles = async (unused: readonly StoredBlob[]): Promise<void> => {
    await Promise.all(unused.map(removeOne));
  };
  return async (sha256s) => {
    for (let start = 0; start < sha256s.length; start += discardAtOnce)
      await orphans.discard(sha256s.slice(start, start + discardAtOnce), removeFiles);
  };
}
