/** Tries out what Inlet needs of a bucket: an object is written, read and removed, and then it is asked what the bucket keeps. */
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
import { StoreTrouble, troubleOf } from './store-trouble.js';

export interface S3TryOut {
  /** Rejects with a `StoreTrouble` when objects cannot be written and read. */
  readonly run: () => Promise<void>;
  /** Whether the store has refused a listing, and nothing else. */
  readonly mayNotList: () => boolean;
  /** What was stored or could not be stored by others: the next try-out is a whole one. */
  readonly noteResult: (result: 'stored' | 'failed') => void;
}

interface S3TryOutOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Stores as files are stored. */
  readonly put: (key: string, data: Buffer) => Promise<void>;
  /** Hears of what an operator should know and what stops nothing. */
  readonly notice: (reason: string, message: string) => void;
}

/** In between, the store is only asked whether it is there: a try-out costs three requests. */
const provenForMs = 30_000;
/** Anybody may ask for readiness as often as they like. */
const againAfterMs = 1_000;
const bucketLookedAtForMs = 3_600_000;
const trialBytes = 256;
/** The part of it that is read, both ends included. */
const partStart = 64;
const partEnd = 191;

const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no bucket of this name',
  SignatureDoesNotMatch: 'the secret access key is not that of the access key, or a proxy changes requests',
  InvalidAccessKeyId: 'the store does not know the access key',
  AccessDenied: 'the credentials do not allow it',
  AllAccessDisabled: 'the account of the bucket is closed',
  RequestTimeTooSkewed: "this machine's clock differs from the store's",
  PermanentRedirect: 'S3_REGION or S3_ENDPOINT is not that of the bucket',
  AuthorizationHeaderMalformed: 'S3_REGION is not that of the bucket',
  CredentialsProviderError: 'no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ExpiredToken: 'the credentials have expired',
  ECONNREFUSED: 'nothing listens at S3_ENDPOINT',
  ENOTFOUND: 'the host of the bucket has no address; S3_FORCE_PATH_STYLE=true names the bucket in the path',
  EAI_AGAIN: 'names of hosts cannot be looked up',
  TimeoutError: 'the store does not answer',
  EPROTO: 'S3_ENDPOINT speaks no TLS, or another version of it',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  SELF_SIGNED_CERT_IN_CHAIN: "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the store's certificate is not trusted; NODE_EXTRA_CA_CERTS adds an authority",
  CERT_HAS_EXPIRED: "the store's certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the store's certificate is of another host",
  SlowDown: 'the store is busy',
  ServiceUnavailable: 'the store is busy',
};

export function createS3TryOut({ client, bucket, put, notice }: S3TryOutOptions): S3TryOut {
  const key = trialKey(randomUUID());
  const wanted = { Bucket: bucket, Key: key };
  const bucketNamed = `the bucket "${bucket}"`;
  let running: Promise<void> | undefined;
  let provenAt = -Infinity;
  let failed: { readonly at: number; readonly trouble: unknown } | undefined;
  let lookedAtBucketAt = -Infinity;
  let listingDenied = false;

  const readPart = async (start: number, end: number): Promise<Buffer> => {
    const part = new GetObjectCommand({ ...wanted, Range: `bytes=${String(start)}-${String(end)}` });
    try {
      return await callStore(async (within) => bytesOf((await client.send(part, within)).Body));
    } catch (error) {
      if (statusOf(error) !== 404 || failureName(error) === 'NoSuchBucket')
        throw troubleOf(error, { doing: `reading an object in ${bucketNamed}`, hints });
      throw new StoreTrouble('ObjectLost', `${bucketNamed} does not have an object that it has just stored`);
    }
  };

  /** Files can be kept without that. But what is erased stays, which is said as long as it is so. */
  const removeTrial = async (): Promise<void> => {
    try {
      await callStore((within) => client.send(new DeleteObjectCommand(wanted), within));
    } catch (error) {
      const trouble = troubleOf(error, { doing: `removing an object in ${bucketNamed}`, hints });
      if (statusOf(error) !== 403) throw trouble;
      notice(`RemovalDenied`, `what is erased stays in the store: ${trouble.message}`);
    }
  };

  const prove = async (): Promise<void> => {
    const data = randomBytes(trialBytes);
    await put(key, data).catch((error: unknown) => {
      throw troubleOf(error, { doing: `storing an object in ${bucketNamed}`, hints });
    });
    const part = await readPart(partStart, partEnd);
    if (!part.equals(data.subarray(partStart, partEnd + 1)))
      throw new StoreTrouble('WrongBytes', `${bucketNamed} answers other bytes than those that it was given`);
    await removeTrial();
  };

  const lookForListing = async (): Promise<void> => {
    const list = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
    listingDenied = await callStore((within) => client.send(list, within)).then(
      () => false,
      (error: unknown) => statusOf(error) === 403,
    );
    if (listingDenied)
      notice('ListingDenied', `${bucketNamed} may not be listed, which \`npm run restored\` needs`);
  };

  const lookForVersions = async (): Promise<void> => {
    const ask = new GetBucketVersioningCommand({ Bucket: bucket });
    const { Status } = await callStore((within) => client.send(ask, within));
    if (Status === 'Enabled')
      notice('VersioningEnabled', `${bucketNamed} keeps old versions: what is erased stays in them`);
  };

  const lookForLocks = async (): Promise<void> => {
    const ask = new GetObjectLockConfigurationCommand({ Bucket: bucket });
    const { ObjectLockConfiguration } = await callStore((within) => client.send(ask, within));
    if (ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled')
      notice(
        'ObjectLockEnabled',
        `${bucketNamed} locks objects: what is erased may stay until its lock ends`,
      );
  };

  const lookAtBucket = (): void => {
    lookedAtBucketAt = performance.now();
    void lookForListing();
    // Not every store knows these questions, and not everybody may ask them.
    lookForVersions().catch(() => undefined);
    lookForLocks().catch(() => undefined);
  };

  /** Whether the store is where it was; that it may not be asked says nothing. */
  const isThere = (): Promise<boolean> =>
    callStore((within) => client.send(new HeadBucketCommand({ Bucket: bucket }), within)).then(
      () => true,
      (error: unknown) => statusOf(error) === 403,
    );

  const run = async (): Promise<void> => {
    if (performance.now() - provenAt < provenForMs && (await isThere())) return;
    if (failed && performance.now() - failed.at < againAfterMs) throw failed.trouble;
    try {
      await prove();
    } catch (error) {
      provenAt = -Infinity;
      failed = { at: performance.now(), trouble: error };
      throw error;
    }
    provenAt = performance.now();
    failed = undefined;
    if (provenAt - lookedAtBucketAt >= bucketLookedAtForMs) lookAtBucket();
  };

  return {
    run: () =>
      (running ??= run().finally(() => {
        running = undefined;
      })),
    mayNotList: () => listingDenied,
    noteResult: (result) => {
      if (result === 'stored') failed = undefined;
      else provenAt = -Infinity;
    },
  };
}

async function bytesOf(body: unknown): Promise<Buffer> {
  return body instanceof Readable ? buffer(body) : Buffer.alloc(0);
}
