/** Deletes the files of unused blobs. */
import { possibleKeysOf, type BlobStore } from '../../infra/files/blob-store.js';
import { discardBatchSize, type Orphans, type StoredBlob } from '../../infra/tables/media/blobs.js';

export interface DiscardOptions {
  readonly orphans: Orphans;
  readonly blobs: Pick<BlobStore, 'remove'>;
}

/** Safe to run twice, and for blobs that are in use again. */
export type Discard = (sha256s: readonly string[]) => Promise<void>;

export function createDiscard({ orphans, blobs }: DiscardOptions): Discard {
  const removeFiles = (unused: readonly StoredBlob[]): Promise<void> =>
    blobs.remove(unused.flatMap(({ sha256 }) => possibleKeysOf(sha256)));
  return async (sha256s) => {
    for (let start = 0; start < sha256s.length; start += discardBatchSize)
      await orphans.discard(sha256s.slice(start, start + discardBatchSize), removeFiles);
  };
}
