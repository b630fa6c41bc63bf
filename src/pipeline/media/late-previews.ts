/** Previews of bytes that were kept while no decoder had time for them. */
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

/** Makes them as if the same bytes had come again; where no decoder has time this time either, the store adds the next job. */
export type LatePreviews = (sha256: string, tries: number) => Promise<void>;

export function createLatePreviews({
  table,
  blobs,
  staging,
  store,
  discard,
}: LatePreviewsOptions): LatePreviews {
  return async (sha256, tries) => {
    const known = await table.findBlob(sha256);
    if (!known || !awaitsPreviews(known)) return;
    const bytes = blobs.read(blobKey(sha256), { start: 0, end: known.bytes - 1 });
    const file = await staging.receive(bytes);
    if (file.sha256 !== sha256) {
      await file.discard();
      throw new Error('stored bytes are not those that were stored');
    }
    await store(file, { kind: 'document', previewTries: tries });
    // The last media that used them may have been erased in the meantime.
    await discard([sha256]);
  };
}
