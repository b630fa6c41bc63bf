/**
 * Probes what Inlet needs from a bucket: writes, reads and deletes an object, and then checks what the bucket
 * retains.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';

import { failureName, statusOf } from '../logging/failure-name.js';
import { trialKey } from './blob-store.js';
import { callStore } from './s3-calls.js';
import { StorageProblem, toStorageProblem } from './storage-problem.js';

export interface S3Probe {
  /** Rejects with a `StorageProblem` if objects cannot be written and read. */
  readonly run: () => Promise<void>;
  /** Whether the store has refused a listing with 403. */
  readonly isListingDenied: () => boolean;
  /** Records whether other code could store an object; after a failure, the next probe is complete again. */
  readonly recordResult: (result: 'stored' | 'failed') => void;
}

interface S3ProbeOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Stores an object in the usual way. */
  readonly put: (key: string, data: Buffer) => Promise<void>;
  /** Reports what an operator should know although it prevents nothing. */
  readonly notice: (reason: string, message: string) => void;
}

/** In between, only the existence of the bucket is checked, because a full probe costs three requests. */
const validForMs = 30_000;
/** Anyone may query readiness as often as they like. */
const retryMs = 1_000;
const bucketCheckIntervalMs = 3_600_000;
const trialBytes = 256;
/** The range that is read, both ends included. */
const partStart = 64;
const partEnd = 191;

const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no bucket of this name',
  SignatureDoesNotMatch: 'the secret access key does not match the access key, or a proxy modifies requests',
  InvalidAccessKeyId: 'the store does not know the access key',
  AccessDenied: 'the credentials do not allow it',
  AllAccessDisabled: 'the account of the bucket is disabled',
  RequestTimeTooSkewed: "this machine's clock differs from the store's",
  PermanentRedirect: 'S3_REGION or S3_ENDPOINT does not match the bucket',
  AuthorizationHeaderMalformed: 'S3_REGION does not match the bucket',
  CredentialsProviderError: 'no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ExpiredToken: 'the credentials have expired',
  ECONNREFUSED: 'no server listens at S3_ENDPOINT',
  ENOTFOUND:
    'the host name of the bucket cannot be resolved; S3_FORCE_PATH_STYLE=true moves the bucket name to the path',
  EAI_AGAIN: 'host names cannot be resolved',
  TimeoutError: 'the store does not respond',
  EPROTO: 'S3_ENDPOINT does not support TLS or uses an incompatible version',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  SELF_SIGNED_CERT_IN_CHAIN: "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  CERT_HAS_EXPIRED: "the store's certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the store's certificate is for another host",
  SlowDown: 'the store is busy',
  ServiceUnavailable: 'the store is busy',
};

export function createS3Probe({ client, bucket, put, notice }: S3ProbeOptions): S3Probe {
  const key = trialKey(randomUUID());
  const object = { Bucket: bucket, Key: key };
  const bucketName = `the bucket "${bucket}"`;
  let running: Promise<void> | undefined;
  let probedAt = -Infinity;
  let lastFailure: { readonly at: number; readonly problem: unknown } | undefined;
  let bucketCheckedAt = -Infinity;
  let listingDenied = false;

  const readPart = async (start: number, end: number): Promise<Buffer> => {
    const part = new GetObjectCommand({ ...object, Range: `bytes=${String(start)}-${String(end)}` });
    try {
      return await callStore(async (within) => bytesOf((await client.send(part, within)).Body));
    } catch (error) {
      if (statusOf(error) !== 404 || failureName(error) === 'NoSuchBucket')
        throw toStorageProblem(error, { action: `reading an object in ${bucketName}`, hints });
      throw new StorageProblem('ObjectLost', `${bucketName} lost an object right after storing it`);
    }
  };

  /**
   * Files can be stored without the permission to delete, but erased data then remains, which is reported as
   * long as it is the case.
   */
  const removeTrial = async (): Promise<void> => {
    try {
      await callStore((within) => client.send(new DeleteObjectCommand(object), within));
    } catch (error) {
      const problem = toStorageProblem(error, { action: `removing an object in ${bucketName}`, hints });
      if (statusOf(error) !== 403) throw problem;
      notice(`RemovalDenied`, `erased data remains in the store: ${problem.message}`);
    }
  };

  const runTrial = async (): Promise<void> => {
    const data = randomBytes(trialBytes);
    await put(key, data).catch((error: unknown) => {
      throw toStorageProblem(error, { action: `storing an object in ${bucketName}`, hints });
    });
    const part = await readPart(partStart, partEnd);
    if (!part.equals(data.subarray(partStart, partEnd + 1)))
      throw new StorageProblem('WrongBytes', `${bucketName} returns different bytes than were stored`);
    await removeTrial();
  };

  const checkListing = async (): Promise<void> => {
    const list = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
    listingDenied = await callStore((within) => client.send(list, within)).then(
      () => false,
      (error: unknown) => statusOf(error) === 403,
    );
    if (listingDenied)
      notice('ListingDenied', `${bucketName} does not allow listing, which \`npm run restored\` needs`);
  };

  const checkVersioning = async (): Promise<void> => {
    const request = new GetBucketVersioningCommand({ Bucket: bucket });
    const { Status } = await callStore((within) => client.send(request, within));
    if (Status === 'Enabled')
      notice('VersioningEnabled', `${bucketName} keeps old versions, which contain erased data`);
  };

  const checkObjectLock = async (): Promise<void> => {
    const request = new GetObjectLockConfigurationCommand({ Bucket: bucket });
    const { ObjectLockConfiguration } = await callStore((within) => client.send(request, within));
    if (ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled')
      notice(
        'ObjectLockEnabled',
        `${bucketName} locks objects, so erased data may remain until the lock ends`,
      );
  };

  const checkBucket = (): void => {
    bucketCheckedAt = performance.now();
    void checkListing();
    // Not every store supports these requests, and the credentials may not allow them.
    checkVersioning().catch(() => undefined);
    checkObjectLock().catch(() => undefined);
  };

  /** Whether the bucket exists; a 403 says nothing about that. */
  const isReachable = (): Promise<boolean> =>
    callStore((within) => client.send(new HeadBucketCommand({ Bucket: bucket }), within)).then(
      () => true,
      (error: unknown) => statusOf(error) === 403,
    );

  const run = async (): Promise<void> => {
    if (performance.now() - probedAt < validForMs && (await isReachable())) return;
    if (lastFailure && performance.now() - lastFailure.at < retryMs) throw lastFailure.problem;
    try {
      await runTrial();
    } catch (error) {
      probedAt = -Infinity;
      lastFailure = { at: performance.now(), problem: error };
      throw error;
    }
    probedAt = performance.now();
    lastFailure = undefined;
    if (probedAt - bucketCheckedAt >= bucketCheckIntervalMs) checkBucket();
  };

  return {
    run: () =>
      (running ??= run().finally(() => {
        running = undefined;
      })),
    isListingDenied: () => listingDenied,
    recordResult: (result) => {
      if (result === 'stored') lastFailure = undefined;
      else probedAt = -Infinity;
    },
  };
}

async function bytesOf(body: unknown): Promise<Buffer> {
  return body instanceof Readable ? buffer(body) : Buffer.alloc(0);
}
