import type { Logger } from '../logging/logger.js';
import { createSeldom } from '../logging/seldom.js';
import type { BlobStore } from './blob-store.js';
import { createLocalBlobStore } from './local-blob-store.js';
import type { S3Settings } from './s3-calls.js';

interface Storage {
  readonly uploadsDir: string;
  /** Undefined: files are kept in `uploadsDir`. */
  readonly s3: S3Settings | undefined;
}

/** How often the same is said of a bucket. */
const repeatMs = 60_000;

/** Where the settings say that bytes are kept. */
export async function openBlobStore({ uploadsDir, s3 }: Storage, logger: Logger): Promise<BlobStore> {
  if (s3 === undefined) return createLocalBlobStore(uploadsDir);
  // The SDK takes memory, which an operator without a bucket need not pay for.
  const { createS3BlobStore } = await import('./s3-blob-store.js');
  const isDue = createSeldom(repeatMs);
  return createS3BlobStore(s3, (reason, message) => {
    if (isDue(reason)) logger.warn({ reason }, message);
  });
}
