import { AppError } from '../../domain/errors.js';
import { blobKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';

export interface CopyServices {
  readonly blobs: Pick<BlobStore, 'read'>;
  readonly staging: Pick<Staging, 'receive'>;
}

/** Copies stored bytes to a staged file. Rejects if they are missing or damaged. */
export async function stagedCopy(
  { blobs, staging }: CopyServices,
  blob: { readonly sha256: string; readonly bytes: number },
): Promise<StagedFile> {
  const file = await staging.receive(bytesOf(blobs, blob));
  if (file.sha256 === blob.sha256) return file;
  await file.discard();
  throw new AppError('media.storage_failed', 'the stored bytes do not match their digest');
}

/**
 * Opens the file when the first chunk is requested. A stream that was opened before would report a missing
 * file while nobody listens yet, and such an error ends the process.
 */
async function* bytesOf(
  blobs: CopyServices['blobs'],
  { sha256, bytes }: { readonly sha256: string; readonly bytes: number },
): AsyncGenerator<Buffer> {
  yield* blobs.read(blobKey(sha256), { start: 0, end: bytes - 1 });
}
