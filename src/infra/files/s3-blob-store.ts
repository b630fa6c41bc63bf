/** Stores bytes as objects in a bucket of S3 or of a compatible store. */
import { DeleteObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';

import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { isTrialKey, keyRoots, type BlobStore } from './blob-store.js';
import { callStore, createS3Client, storeUnavailable, type Bucket, type S3Settings } from './s3-calls.js';
import { linkToObject } from './s3-links.js';
import { createS3Probe } from './s3-probe.js';
import { createS3Put, type StoreNotice } from './s3-put.js';
import { readObject, sizeOfObject } from './s3-read.js';

export type { S3Settings } from './s3-calls.js';
export type { StoreNotice } from './s3-put.js';

/** The SDK finds credentials in the same places as AWS's own tools. */
export function createS3BlobStore(settings: S3Settings, notice: StoreNotice = () => undefined): BlobStore {
  const target: Bucket = { client: createS3Client(settings), bucket: settings.bucket };
  const put = createS3Put(target, notice);
  const probe = createS3Probe({ ...target, put: put.data, notice });
  return {
    put: async (key, bytes) => {
      try {
        if ('file' in bytes) await put.file(key, bytes.file, bytes.sha256);
        else await put.data(key, bytes.data);
        probe.recordResult('stored');
      } catch (cause) {
        probe.recordResult('failed');
        throw new AppError('media.storage_failed', `the file could not be stored: ${failureName(cause)}`, {
          cause,
        });
      }
    },
    read: (key, range) => readObject(target, key, range),
    size: (key) => sizeOfObject(target, key, probe),
    ...(settings.redirects && { link: (key, headers) => linkToObject(target, key, headers) }),
    remove: async (keys) => {
      await Promise.all(keys.map((key) => removeObject(target, key))).catch((error: unknown) => {
        throw storeUnavailable(error);
      });
    },
    keys: () => listKeys(target),
    probe: probe.run,
    close: () => {
      target.client.destroy();
    },
  };
}

async function removeObject({ client, bucket }: Bucket, key: string): Promise<void> {
  const removal = new DeleteObjectCommand({ Bucket: bucket, Key: key });
  await callStore((within) => client.send(removal, within));
}

async function* listKeys({ client, bucket }: Bucket): AsyncGenerator<string> {
  try {
    for (const root of keyRoots) {
      const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${root}/` });
      for await (const { Contents = [] } of pages)
        for (const { Key } of Contents) if (Key && !isTrialKey(Key)) yield Key;
    }
  } catch (error) {
    throw storeUnavailable(error);
  }
}
