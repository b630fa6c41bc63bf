import type { Logger } from '../logging/logger.js';
import { createRateLimitedLog } from '../logging/rate-limited-log.js';
import type { BlobStore } from './blob-store.js';
import { createLocalBlobStore } from './local-blob-store.js';
import type { S3Settings } from './s3-calls.js';

interface Storage {
  readonly uploadsDir: string;
  /** If undefined, files are stored in `uploadsDir`. */
  readonly s3: S3Settings | undefined;
}

/** The minimum time between equal warnings about a bucket. */
const logIntervalMs = 60_000;

/** Opens the store that the settings choose. */
export async function openBlobStore({ uploadsDir, s3 }: Storage, logger: Logger): Promise<BlobStore> {
  if (s3 === undefined) return createLocalBlobStore(uploadsDir);
  // The SDK uses a lot of memory, so it is loaded only if there is a bucket.
  const { createS3BlobStore } = await import('./s3-blob-store.js');
  const isDue = createRateLimitedLog(logIntervalMs);
  return createS3BlobStore(s3, (reason, message) => {
    if (isDue(reason)) logger.warn({ reason }, message);
  });
}
