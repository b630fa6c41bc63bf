/** Stored bytes as objects in a bucket of S3, or of a store that speaks its protocol. The only importer of the SDK. */
import { hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';

import { AppError } from '../domain/errors.js';
import { keyRoots, type BlobStore } from './blob-store.js';

export interface S3Settings {
  readonly bucket: string;
  /** Undefined: that of AWS for the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** Whether the bucket is named in the path rather than in the host. */
  readonly forcePathStyle: boolean;
}

/** Of bytes that are to be stored. */
interface Facts {
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

const connectMs = 5_000;
/** Without a byte in either direction. */
const silenceMs = 15_000;
/** A picture is two previews and itself, and so many pictures are looked at at once. */
const mostConnections = 64;
const putAttempts = 3;
const firstPauseMs = 200;

const ignore = (): void => undefined;
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Credentials are found by the SDK where AWS's own tools find them. */
export function createS3BlobStore({ bucket, endpoint, region, forcePathStyle }: S3Settings): BlobStore {
  const client = new S3Client({
    ...{ region, forcePathStyle, ...(endpoint !== undefined && { endpoint }) },
    // Other stores than AWS's know the older checksums only; ours are given with each object.
    ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
    logger: silent, // It would write to the console; what matters is in its errors.
    requestHandler: {
      ...{ connectionTimeout: connectMs, socketTimeout: silenceMs },
      ...{ httpAgent: { maxSockets: mostConnections }, httpsAgent: { maxSockets: mostConnections } },
    },
  });

  const put = async (key: string, body: Readable | Buffer, facts: Facts): Promise<void> => {
    await client.send(
      new PutObjectCommand({
        ...{ Bucket: bucket, Key: key, ContentType: 'application/octet-stream' },
        ...{ Body: body, ContentLength: facts.bytes },
        // The store refuses bytes that were changed on the way.
        ChecksumSHA256: Buffer.from(facts.sha256, 'hex').toString('base64'),
      }),
    );
  };

  const putFileOnce = async (key: string, path: string, sha256: string): Promise<void> => {
    const file = await open(path);
    const stream = file.createReadStream({ autoClose: false });
    stream.on('error', () => undefined); // Whoever reads from it hears of that; after its end, nobody has to.
    try {
      await put(key, stream, { sha256, bytes: (await file.stat()).size });
    } finally {
      stream.destroy();
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

  const size = async (key: string): Promise<number | undefined> => {
    try {
      return (await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).ContentLength;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw unavailable(error);
    }
  };

  async function* contentOf(key: string, range: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const wanted = new GetObjectCommand({ Bucket: bucket, Key: key, Range: range });
    const { Body } = await client.send(wanted, { abortSignal: signal }).catch((error: unknown) => {
      throw unavailable(error);
    });
    if (Body instanceof Readable) yield* Body as AsyncIterable<Uint8Array>;
  }

  return {
    put: async (key, bytes) => {
      try {
        if ('file' in bytes) await putFile(key, bytes.file, bytes.sha256);
        else
          await put(key, bytes.data, { sha256: hash('sha256', bytes.data, 'hex'), bytes: bytes.data.length });
      } catch (cause) {
        throw new AppError('media.storage_failed', 'the file could not be stored', { cause });
      }
    },
    has: async (key) => (await size(key)) !== undefined,
    read: (key, { start, end }) => {
      const ended = new AbortController();
      const range = `bytes=${String(start)}-${String(end)}`;
      const stream = Readable.from(contentOf(key, range, ended.signal), { objectMode: false });
      // Whoever goes away before the store has answered gets no connection that nobody reads from.
      return stream.once('close', () => {
        ended.abort();
      });
    },
    size,
    remove: async (key) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })).catch((error: unknown) => {
        throw unavailable(error);
      });
    },
    keys: async function* () {
      for (const root of keyRoots) {
        const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${root}/` });
        for await (const { Contents = [] } of pages) for (const { Key } of Contents) if (Key) yield Key;
      }
    },
    tryOut: async () => {
      await client.send(new HeadBucketCommand({ Bucket: bucket }));
    },
    close: () => {
      client.destroy();
    },
  };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** Whether the same may succeed a moment later: without an answer, or with one that says so. */
function mayPass(error: unknown): boolean {
  const status = statusOf(error) ?? 500;
  return status >= 500 || status === 429;
}

function unavailable(cause: unknown): AppError {
  return new AppError('service.unavailable', 'the store of files does not answer as it should', { cause });
}
