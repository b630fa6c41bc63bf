/** Makes previews for stored files that no decoder had time for. */
import { awaitsPreviews } from '../../domain/media.js';
import { blobKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { Staging } from '../../infra/files/staging.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import type { Discard } from './discard.js';
import type { Store } from './store.js';

export interface LatePreviewsOptions {
  readonly table: Pick<MediaTable, 'findBlob'>;
  readonly blobs: Pick<BlobStore, 'read'>;
  readonly staging: Pick<Staging, 'receive'>;
  readonly store: Store;
  readonly discard: Discard;
}

/**
 * Stores the bytes again as if they had just arrived. If the decoder is still busy, the store adds the next
 * job.
 */
export type LatePreviews = (sha256: string, attempts: number) => Promise<void>;

export function createLatePreviews({
  table,
  blobs,
  staging,
  store,
  discard,
}: LatePreviewsOptions): LatePreviews {
  return async (sha256, attempts) => {
    const blob = await table.findBlob(sha256);
    if (!blob || !awaitsPreviews(blob)) return;
    const bytes = blobs.read(blobKey(sha256), { start: 0, end: blob.bytes - 1 });
    const file = await staging.receive(bytes);
    if (file.sha256 !== sha256) {
      await file.discard();
      throw new Error('the stored bytes do not match their digest');
    }
    await store(file, { kind: 'document', previewAttempts: attempts });
    // The last media item that used the bytes may have been erased in the meantime.
    await discard([sha256]);
  };
}
