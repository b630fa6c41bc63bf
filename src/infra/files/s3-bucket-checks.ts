/** Checks what a bucket allows and retains. None of it prevents that files are stored. */
import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';

import { statusOf } from '../logging/failure-name.js';
import { callStore, type Bucket } from './s3-calls.js';
import type { StoreNotice } from './s3-put.js';

/** Whether the bucket exists; a 403 says nothing about that. */
export function isReachable({ client, bucket }: Bucket): Promise<boolean> {
  return callStore((within) => client.send(new HeadBucketCommand({ Bucket: bucket }), within)).then(
    () => true,
    (error: unknown) => statusOf(error) === 403,
  );
}

/**
 * Whether the store refuses a listing with 403, which is reported. Any other failure says nothing about that.
 */
export async function isListingDenied({ client, bucket }: Bucket, notice: StoreNotice): Promise<boolean> {
  const list = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
  const isDenied = await callStore((within) => client.send(list, within)).then(
    () => false,
    (error: unknown) => statusOf(error) === 403,
  );
  if (isDenied)
    notice(
      'ListingDenied',
      `the bucket "${bucket}" does not allow listing, which \`npm run restored\` needs`,
    );
  return isDenied;
}

/** Reports whether the bucket keeps data that was erased. */
export function reportRetention(target: Bucket, notice: StoreNotice): void {
  // Not every store supports these requests, and the credentials may not allow them.
  reportVersioning(target, notice).catch(() => undefined);
  reportObjectLock(target, notice).catch(() => undefined);
}

async function reportVersioning({ client, bucket }: Bucket, notice: StoreNotice): Promise<void> {
  const request = new GetBucketVersioningCommand({ Bucket: bucket });
  const { Status } = await callStore((within) => client.send(request, within));
  if (Status === 'Enabled')
    notice('VersioningEnabled', `the bucket "${bucket}" keeps old versions, which contain erased data`);
}

async function reportObjectLock({ client, bucket }: Bucket, notice: StoreNotice): Promise<void> {
  const request = new GetObjectLockConfigurationCommand({ Bucket: bucket });
  const { ObjectLockConfiguration } = await callStore((within) => client.send(request, within));
  if (ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled')
    notice(
      'ObjectLockEnabled',
      `the bucket "${bucket}" locks objects, so erased data may remain until the lock ends`,
    );
}
