/** Stores bytes as objects in a bucket of S3 or of a compatible store. */
import { hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';

import { AppError } from '../../domain/errors.js';
import { failureName, statusOf } from '../logging/failure-name.js';
import { keyRoots, isTrialKey, type BlobStore } from './blob-store.js';
import { callStore, createS3Client, type S3Settings } from './s3-calls.js';
import { createS3Probe } from './s3-probe.js';
import { StorageProblem } from './storage-problem.js';

export type { S3Settings } from './s3-calls.js';

/** The properties of the bytes to store. */
interface ObjectFacts {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Reports what an operator should know although it prevents nothing. It may be called repeatedly with the
 * same notice.
 */
export type StoreNotice = (reason: string, message: string) => void;

const putAttempts = 3;
const firstPauseMs = 200;
const confirmAttempts = 4;
const confirmPauseMs = 100;
/** The timeout for storing one object: this time plus the time it takes at the minimum rate. */
const putTimeoutMs = 30_000;
const minPutBytesPerMs = 50;
/** The earliest time at which another attempt makes sense for a client. */
const retryAfterMs = 5_000;

/** The SDK finds credentials in the same places as AWS's own tools. */
export function createS3BlobStore(settings: S3Settings, notice: StoreNotice = () => undefined): BlobStore {
  const { bucket } = settings;
  const client = createS3Client(settings);
  // AWS verifies a checksum that is sent with an object. Not every store accepts it.
  let sendsChecksum = true;
  const storedSize = async (key: string): Promise<number | undefined> => {
    const head = new HeadObjectCommand({ Bucket: bucket, Key: key });
    try {
      return (await callStore((within) => client.send(head, within))).ContentLength;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      const message = `the bucket "${bucket}" lost an object right after storing it`;
      throw new StorageProblem('ObjectLost', message);
    }
  };

  /**
   * An object that the store has not really kept would be lost, so its size is checked before the caller
   * continues.
   */
  const confirm = async (key: string, bytes: number): Promise<void> => {
    // Some stores show a partial object while another process stores the same one again.
    for (let attempt = 1; attempt <= confirmAttempts; attempt += 1) {
      if ((await storedSize(key)) === bytes) return;
      await delay(confirmPauseMs * attempt);
    }
    throw new StorageProblem('WrongBytes', `the bucket "${bucket}" stored a different number of bytes`);
  };

  /**
   * The signature covers the SHA-256 of the bytes, so that the store refuses bytes that were changed in
   * transit. Without this, the SDK would leave a stream unsigned.
   */
  const putOnce = async (
    key: string,
    body: Readable | Buffer,
    { sha256, bytes, withChecksum }: ObjectFacts & { readonly withChecksum: boolean },
  ): Promise<void> => {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      ContentType: 'application/octet-stream',
      Body: body,
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
    await callStore((within) => client.send(command, within), { timeoutMs });
    await confirm(key, bytes);
  };

  /** Stops sending the checksum once the store has refused it and accepted the object without it. */
  const putBytes = async (key: string, body: () => Readable | Buffer, facts: ObjectFacts): Promise<void> => {
    if (!sendsChecksum) return putOnce(key, body(), { ...facts, withChecksum: false });
    try {
      await putOnce(key, body(), { ...facts, withChecksum: true });
    } catch (firstError) {
      if (!mayRefuseChecksum(firstError)) throw firstError;
      await putOnce(key, body(), { ...facts, withChecksum: false }).catch(() => {
        throw firstError; // The refusal had another reason, which the first response names.
      });
      sendsChecksum = false;
      const reason = failureName(firstError);
      notice(reason, `the store refuses x-amz-checksum-sha256 (${reason}); objects are stored without it`);
    }
  };

  const putData = (key: string, data: Buffer): Promise<void> =>
    putBytes(key, () => data, { sha256: hash('sha256', data, 'hex'), bytes: data.length });

  const putFileOnce = async (key: string, path: string, sha256: string): Promise<void> => {
    const file = await open(path);
    const streams: Readable[] = [];
    const openStream = (): Readable => {
      const stream = file.createReadStream({ autoClose: false, start: 0 });
      stream.on('error', () => undefined); // The reader receives the error; after the end it no longer matters.
      streams.push(stream);
      return stream;
    };
    try {
      await putBytes(key, openStream, { sha256, bytes: (await file.stat()).size });
    } finally {
      for (const stream of streams) stream.destroy();
      await file.close();
    }
  };

  /** The SDK retries only what it can send again, which does not include streams. */
  const putFile = async (key: string, path: string, sha256: string): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await putFileOnce(key, path, sha256);
        break;
      } catch (error) {
        if (attempt === putAttempts || !isTransient(error)) throw error;
        await delay(firstPauseMs * 2 ** attempt * Math.random());
      }
    }
    await rm(path, { force: true });
  };

  const probe = createS3Probe({ client, bucket, put: putData, notice });

  const size = async (key: string): Promise<number | undefined> => {
    const head = new HeadObjectCommand({ Bucket: bucket, Key: key });
    try {
      return (await callStore((within) => client.send(head, within))).ContentLength;
    } catch (error) {
      const status = statusOf(error);
      // Without the permission to list, a store answers 403 for missing objects.
      if (status !== 404 && !(status === 403 && probe.isListingDenied())) throw unavailable(error);
      // Only stored objects are requested, so a missing one may mean that the store loses objects.
      probe.recordResult('failed');
      return undefined;
    }
  };

  async function* contentOf(
    key: string,
    { start, end }: Range,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const request = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      Range: `bytes=${String(start)}-${String(end)}`,
    });
    let missing = end - start + 1;
    try {
      const { Body, ContentLength = missing } = await callStore((within) => client.send(request, within), {
        stopSignal: signal,
      });
      if (!(Body instanceof Readable) || ContentLength !== missing) throw new WrongAnswer();
      for await (const chunk of Body as AsyncIterable<Uint8Array>) {
        missing -= chunk.length;
        if (missing < 0) throw new WrongAnswer();
        yield chunk;
      }
      if (missing > 0) throw new WrongAnswer();
    } catch (error) {
      throw unavailable(error);
    }
  }

  return {
    put: async (key, bytes) => {
      try {
        if ('file' in bytes) await putFile(key, bytes.file, bytes.sha256);
        else await putData(key, bytes.data);
        probe.recordResult('stored');
      } catch (cause) {
        probe.recordResult('failed');
        throw new AppError('media.storage_failed', `the file could not be stored: ${failureName(cause)}`, {
          cause,
        });
      }
    },
    read: (key, range) => {
      const abort = new AbortController();
      const stream = Readable.from(contentOf(key, range, abort.signal), { objectMode: false });
      // If the reader leaves before the store has responded, the request is aborted, so that no connection
      // remains open.
      return stream.once('close', () => {
        abort.abort();
      });
    },
    size,
    remove: async (keys) => {
      const removeOne = async (key: string): Promise<void> => {
        const removal = new DeleteObjectCommand({ Bucket: bucket, Key: key });
        await callStore((within) => client.send(removal, within));
      };
      await Promise.all(keys.map(removeOne)).catch((error: unknown) => {
        throw unavailable(error);
      });
    },
    keys: async function* () {
      try {
        for (const root of keyRoots) {
          const request = { Bucket: bucket, Prefix: `${root}/` };
          const pages = paginateListObjectsV2({ client }, request);
          for await (const { Contents = [] } of pages)
            for (const { Key } of Contents) if (Key && !isTrialKey(Key)) yield Key;
        }
      } catch (error) {
        throw unavailable(error);
      }
    },
    probe: probe.run,
    close: () => {
      client.destroy();
    },
  };
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The store returned other bytes than requested, or a different number. */
class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
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

function unavailable(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const retryAt = new Date(Date.now() + retryAfterMs);
  const message = `the file store failed: ${failureName(cause)}`;
  return new AppError('service.unavailable', message, { cause, retryAt });
}
