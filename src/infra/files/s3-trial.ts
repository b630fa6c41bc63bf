/** Writes, reads and deletes one object in a bucket. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';

import { failureName, statusOf } from '../logging/failure-name.js';
import { trialKey } from './blob-store.js';
import { callStore, type Bucket } from './s3-calls.js';
import type { S3Put, StoreNotice } from './s3-put.js';
import { StorageProblem, toStorageProblem } from './storage-problem.js';

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

export interface TrialOptions extends Bucket {
  /** Stores an object in the usual way. */
  readonly put: S3Put['data'];
  readonly notice: StoreNotice;
}

/** Returns the trial, which rejects with a `StorageProblem`. Each trial uses the same key. */
export function createTrial({ client, bucket, put, notice }: TrialOptions): () => Promise<void> {
  const key = trialKey(randomUUID());
  const object = { Bucket: bucket, Key: key };
  const bucketName = `the bucket "${bucket}"`;

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

  return async () => {
    const data = randomBytes(trialBytes);
    await put(key, data).catch((error: unknown) => {
      throw toStorageProblem(error, { action: `storing an object in ${bucketName}`, hints });
    });
    const part = await readPart(partStart, partEnd);
    if (!part.equals(data.subarray(partStart, partEnd + 1)))
      throw new StorageProblem('WrongBytes', `${bucketName} returns different bytes than were stored`);
    await removeTrial();
  };
}

async function bytesOf(body: unknown): Promise<Buffer> {
  return body instanceof Readable ? buffer(body) : Buffer.alloc(0);
}
