/** Stores single objects, and checks that the store has kept them. */
import { hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';

import { failureName, statusOf } from '../logging/failure-name.js';
import { callStore, type Bucket } from './s3-calls.js';
import { StorageProblem } from './storage-problem.js';

/**
 * Reports what an operator should know although it prevents nothing. It may be called repeatedly with the
 * same notice.
 */
export type StoreNotice = (reason: string, message: string) => void;

export interface S3Put {
  readonly data: (key: string, data: Buffer) => Promise<void>;
  /** Stores the file, whose SHA-256 in hex is known, and deletes it. */
  readonly file: (key: string, path: string, sha256: string) => Promise<void>;
}

/** The properties of the bytes to store. */
interface ObjectFacts {
  /** The digest in hex. */
  readonly sha256: string;
  readonly bytes: number;
}

interface ObjectToPut extends ObjectFacts {
  readonly key: string;
  /** Called for each attempt. */
  readonly body: () => Readable | Buffer;
}

const putAttempts = 3;
const firstPauseMs = 200;
const confirmAttempts = 4;
const confirmPauseMs = 100;
/** The timeout for storing one object: this time plus the time it takes at the minimum rate. */
const putTimeoutMs = 30_000;
const minPutBytesPerMs = 50;

export function createS3Put(target: Bucket, notice: StoreNotice): S3Put {
  // AWS verifies a checksum that is sent with an object. Not every store accepts it.
  let sendsChecksum = true;

  /** Stops sending the checksum once the store has refused it and accepted the object without it. */
  const putObject = async (object: ObjectToPut): Promise<void> => {
    if (!sendsChecksum) return putOnce(target, object, { withChecksum: false });
    try {
      await putOnce(target, object, { withChecksum: true });
    } catch (firstError) {
      if (!mayRefuseChecksum(firstError)) throw firstError;
      await putOnce(target, object, { withChecksum: false }).catch(() => {
        throw firstError; // The refusal had another reason, which the first response names.
      });
      sendsChecksum = false;
      const reason = failureName(firstError);
      notice(reason, `the store refuses x-amz-checksum-sha256 (${reason}); objects are stored without it`);
    }
  };

  return {
    data: (key, data) =>
      putObject({ key, body: () => data, sha256: hash('sha256', data, 'hex'), bytes: data.length }),
    file: async (key, path, sha256) => {
      await withRetries(() =>
        withOpenFile(path, async (body, bytes) => putObject({ key, body, sha256, bytes })),
      );
      await rm(path, { force: true });
    },
  };
}

/**
 * The signature covers the SHA-256 of the bytes, so that the store refuses bytes that were changed in
 * transit. Without this, the SDK would leave a stream unsigned.
 */
async function putOnce(
  target: Bucket,
  { key, body, sha256, bytes }: ObjectToPut,
  { withChecksum }: { readonly withChecksum: boolean },
): Promise<void> {
  const command = new PutObjectCommand({
    Bucket: target.bucket,
    Key: key,
    ContentType: 'application/octet-stream',
    Body: body(),
    ContentLength: bytes,
    ...(withChecksum && { ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64') }),
  });
  command.middlewareStack.add(
    (next) => (args) => {
      if (hasHeaders(args.request)) args.request.headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'signPayload' },
  );
  const timeoutMs = putTimeoutMs + bytes / minPutBytesPerMs;
  await callStore((within) => target.client.send(command, within), { timeoutMs });
  await confirm(target, key, bytes);
}

/**
 * An object that the store has not really kept would be lost, so its size is checked before the caller
 * continues.
 */
async function confirm(target: Bucket, key: string, bytes: number): Promise<void> {
  // Some stores show a partial object while another process stores the same one again.
  for (let attempt = 1; attempt <= confirmAttempts; attempt += 1) {
    if ((await storedSize(target, key)) === bytes) return;
    await delay(confirmPauseMs * attempt);
  }
  throw new StorageProblem('WrongBytes', `the bucket "${target.bucket}" stored a different number of bytes`);
}

async function storedSize({ client, bucket }: Bucket, key: string): Promise<number | undefined> {
  const head = new HeadObjectCommand({ Bucket: bucket, Key: key });
  try {
    return (await callStore((within) => client.send(head, within))).ContentLength;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    throw new StorageProblem('ObjectLost', `the bucket "${bucket}" lost an object right after storing it`);
  }
}

/** The SDK retries only what it can send again, which does not include streams. */
async function withRetries(put: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await put();
      return;
    } catch (error) {
      if (attempt === putAttempts || !isTransient(error)) throw error;
      await delay(firstPauseMs * 2 ** attempt * Math.random());
    }
  }
}

/** Every stream that was opened is destroyed when the work ends. */
async function withOpenFile(
  path: string,
  work: (openStream: () => Readable, bytes: number) => Promise<void>,
): Promise<void> {
  const file: FileHandle = await open(path);
  const streams: Readable[] = [];
  const openStream = (): Readable => {
    const stream = file.createReadStream({ autoClose: false, start: 0 });
    stream.on('error', () => undefined); // The reader receives the error; after the end it no longer matters.
    streams.push(stream);
    return stream;
  };
  try {
    await work(openStream, (await file.stat()).size);
  } finally {
    for (const stream of streams) stream.destroy();
    await file.close();
  }
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

/** Errors with status 400 that are unrelated to an unknown header. */
const otherRefusals =
  /^(BadDigest|XAmzContentSHA256Mismatch|IncompleteBody|RequestTimeout|ExpiredToken|InvalidToken|AuthorizationHeaderMalformed|InvalidBucketName|EntityTooLarge|KeyTooLongError|TimeoutError)$/;

/** Stores that do not support the header answer 501 (NotImplemented) or 400 with various names. */
function mayRefuseChecksum(error: unknown): boolean {
  const status = statusOf(error);
  return status === 501 || (status === 400 && !otherRefusals.test(failureName(error)));
}

/** Whether a retry may succeed: there was no response, or a response that says so. */
function isTransient(error: unknown): boolean {
  const status = statusOf(error) ?? 500;
  return (status >= 500 && status !== 501) || status === 429;
}
