/** Makes previews for stored files that no decoder had time for. */
import { awaitsPreviews } from '../../domain/media.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import type { Discard } from './discard.js';
import { stagedCopy, type CopyServices } from './staged-copy.js';
import type { Store } from './store.js';

export interface LatePreviewsOptions extends CopyServices {
  readonly table: Pick<MediaTable, 'findBlob'>;
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
  store,
  discard,
  ...services
}: LatePreviewsOptions): LatePreviews {
  return async (sha256, attempts) => {
    const blob = await table.findBlob(sha256);
    if (!blob || !awaitsPreviews(blob)) return;
    const file = await stagedCopy(services, blob);
    await store(file, { kind: 'document', previewAttempts: attempts });
    // The last media item that used the bytes may have been erased in the meantime.
    await discard([sha256]);
  };
}
