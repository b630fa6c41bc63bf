/** Stored bytes as objects in a bucket of S3, or of a store that speaks its protocol. */
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
import { createS3TryOut } from './s3-try-out.js';
import { StoreTrouble } from './store-trouble.js';

export type { S3Settings } from './s3-calls.js';

/** Of bytes that are to be stored. */
interface Facts {
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Hears of what an operator should know and what stops nothing. May be told the same again and again. */
export type StoreNotice = (reason: string, message: string) => void;

const putAttempts = 3;
const firstPauseMs = 200;
const confirmLooks = 4;
const confirmPauseMs = 100;
/** For storing one object: so long, and as long as it takes at this rate. */
const putMs = 30_000;
const slowestPutBytesPerMs = 50;
/** The earliest moment at which another attempt makes sense for a client. */
const retryAfterMs = 5_000;

/** Credentials are found by the SDK where AWS's own tools find them. */
export function createS3BlobStore(settings: S3Settings, notice: StoreNotice = () => undefined): BlobStore {
  const { bucket } = settings;
  const client = createS3Client(settings);
  // AWS keeps a checksum that is sent along with an object. Not every store takes it.
  let sendsChecksum = true;
  const sizeOfStored = async (key: string): Promise<number | undefined> => {
    const head = new HeadObjectCommand({ Bucket: bucket, Key: key });
    try {
      return (await callStore((within) => client.send(head, within))).ContentLength;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      const message = `the bucket "${bucket}" does not have an object that it has just stored`;
      throw new StoreTrouble('ObjectLost', message);
    }
  };

  /** What a store only says that it has stored would be lost: nobody is told of it before it was seen. */
  const confirm = async (key: string, bytes: number): Promise<void> => {
    // Some stores show an object half written while another process stores the same once more.
    for (let look = 1; look <= confirmLooks; look += 1) {
      if ((await sizeOfStored(key)) === bytes) return;
      await delay(confirmPauseMs * look);
    }
    throw new StoreTrouble('WrongBytes', `the bucket "${bucket}" has not stored what it was given`);
  };

  /**
   * The signature covers the SHA-256 of the bytes, so that the store refuses those that were changed on the way. By itself, the SDK
   * would leave a stream unsigned.
   */
  const putOnce = async (
    key: string,
    body: Readable | Buffer,
    { sha256, bytes, withChecksum }: Facts & { readonly withChecksum: boolean },
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
    const withinMs = putMs + bytes / slowestPutBytesPerMs;
    await callStore((within) => client.send(command, within), { withinMs });
    await confirm(key, bytes);
  };

  /** Without the checksum from then on, once the store has refused it and has taken the object without. */
  const putBytes = async (key: string, body: () => Readable | Buffer, facts: Facts): Promise<void> => {
    if (!sendsChecksum) return putOnce(key, body(), { ...facts, withChecksum: false });
    try {
      await putOnce(key, body(), { ...facts, withChecksum: true });
    } catch (refused) {
      if (!mayBeTheChecksum(refused)) throw refused;
      await putOnce(key, body(), { ...facts, withChecksum: false }).catch(() => {
        throw refused; // It was for another reason, which the first answer names.
      });
      sendsChecksum = false;
      const reason = failureName(refused);
      notice(reason, `the store refuses x-amz-checksum-sha256 (${reason}): objects are stored without it`);
    }
  };

  const putData = (key: string, data: Buffer): Promise<void> =>
    putBytes(key, () => data, { sha256: hash('sha256', data, 'hex'), bytes: data.length });

  const putFileOnce = async (key: string, path: string, sha256: string): Promise<void> => {
    const file = await open(path);
    const streams: Readable[] = [];
    const openStream = (): Readable => {
      const stream = file.createReadStream({ autoClose: false, start: 0 });
      stream.on('error', () => undefined); // Whoever reads from it hears of that; after its end, nobody has to.
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

  /** The SDK tries again what it can send again, which a stream is not. */
  const putFile = async (key: string, path: string, sha256: string): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await putFileOnce(key, path, sha256);
        break;
      } catch (error) {
        if (attempt === putAttempts || !mayPass(error)) throw error;
        await delay(firstPauseMs * 2 ** attempt * Math.random());
      }
    }
    await rm(path, { force: true });
  };

  const tryOut = createS3TryOut({ client, bucket, put: putData, notice });

  const size = async (key: string): Promise<number | undefined> => {
    const head = new HeadObjectCommand({ Bucket: bucket, Key: key });
    try {
      return (await callStore((within) => client.send(head, within))).ContentLength;
    } catch (error) {
      const status = statusOf(error);
      // Without the right to list, a store says that what is not there is forbidden.
      if (status !== 404 && !(status === 403 && tryOut.mayNotList())) throw unavailable(error);
      // Only what was stored is asked for: a store that loses objects would look like that.
      tryOut.noteResult('failed');
      return undefined;
    }
  };

  async function* contentOf(
    key: string,
    { start, end }: Range,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const wanted = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      Range: `bytes=${String(start)}-${String(end)}`,
    });
    let missing = end - start + 1;
    try {
      const { Body, ContentLength = missing } = await callStore((within) => client.send(wanted, within), {
        until: signal,
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
        tryOut.noteResult('stored');
      } catch (cause) {
        tryOut.noteResult('failed');
        throw new AppError('media.storage_failed', `the file could not be stored: ${failureName(cause)}`, {
          cause,
        });
      }
    },
    read: (key, range) => {
      const ended = new AbortController();
      const stream = Readable.from(contentOf(key, range, ended.signal), { objectMode: false });
      // Whoever goes away before the store has answered gets no connection that nobody reads from.
      return stream.once('close', () => {
        ended.abort();
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
          const wanted = { Bucket: bucket, Prefix: `${root}/` };
          const pages = paginateListObjectsV2({ client }, wanted);
          for await (const { Contents = [] } of pages)
            for (const { Key } of Contents) if (Key && !isTrialKey(Key)) yield Key;
        }
      } catch (error) {
        throw unavailable(error);
      }
    },
    tryOut: tryOut.run,
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

/** Other bytes than those that were asked for, or not as many. */
class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** Answers of 400 that have nothing to do with a header that is not known. */
const otherRefusals =
  /^(BadDigest|XAmzContentSHA256Mismatch|IncompleteBody|RequestTimeout|ExpiredToken|InvalidToken|AuthorizationHeaderMalformed|InvalidBucketName|EntityTooLarge|KeyTooLongError|TimeoutError)$/;

/** Stores that do not know the header answer 501 (NotImplemented) or 400 under several names. */
function mayBeTheChecksum(error: unknown): boolean {
  const status = statusOf(error);
  return status === 501 || (status === 400 && !otherRefusals.test(failureName(error)));
}

/** Whether the same may succeed a moment later: without an answer, or with one that says so. */
function mayPass(error: unknown): boolean {
  const status = statusOf(error) ?? 500;
  return (status >= 500 && status !== 501) || status === 429;
}

function unavailable(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const retryAt = new Date(Date.now() + retryAfterMs);
  const message = `the store of files does not answer as it should: ${failureName(cause)}`;
  return new AppError('service.unavailable', message, { cause, retryAt });
}
