import type { BlobStore } from './blob-store.js';
import { createLocalBlobStore } from './local-blob-store.js';
import type { S3Settings } from './s3-blob-store.js';

interface Storage {
  readonly uploadsDir: string;
  /** Undefined: files are kept in `uploadsDir`. */
  readonly s3: S3Settings | undefined;
}

/** Where the settings say that bytes are kept. */
export async function openBlobStore({ uploadsDir, s3 }: Storage): Promise<BlobStore> {
  if (s3 === undefined) return createLocalBlobStore(uploadsDir);
  // The SDK takes memory, which who has no bucket need not pay for.
  const { createS3BlobStore } = await import('./s3-blob-store.js');
  return createS3BlobStore(s3);
}
