/** Calls a store that uses the S3 protocol. Every call has a timeout, and only objects may have any size. */
import { pipeline, Readable, Transform } from 'node:stream';

import { S3Client } from '@aws-sdk/client-s3';

import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';

export interface S3Settings {
  readonly bucket: string;
  /** If undefined, AWS's own endpoint of the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** Whether the path contains the bucket instead of the host name. */
  readonly forcePathStyle: boolean;
  /** Whether readers may be sent to addresses of the bucket. */
  readonly redirects?: boolean;
}

/** The bucket, and the client that calls its store. */
export interface Bucket {
  readonly client: S3Client;
  readonly bucket: string;
}

const connectTimeoutMs = 5_000;
/** The timeout without a byte in either direction. */
const idleTimeoutMs = 15_000;
/**
 * The default timeout for a call including its retries: a store that sends single bytes slowly would never be
 * idle.
 */
const callTimeoutMs = 20_000;
/** Enough for the pictures in progress, each of which has two previews and the original. */
const maxConnections = 64;
/** A page of a listing has about 400 kB. */
const maxAnswerBytes = 4_194_304;
/** The earliest time at which another attempt makes sense for a client. */
const retryAfterMs = 5_000;

const ignore = (): void => undefined;
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

export function createS3Client({ endpoint, region, forcePathStyle }: S3Settings): S3Client {
  const client = new S3Client({
    region,
    forcePathStyle,
    ...(endpoint !== undefined && { endpoint }),
    // Stores other than AWS do not support the checksums that the SDK would add by default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    logger: silent, // The SDK would write to the console; its errors contain everything relevant.
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: idleTimeoutMs,
      httpAgent: { maxSockets: maxConnections },
      httpsAgent: { maxSockets: maxConnections },
    },
  });
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        if (commandName !== 'GetObjectCommand' || !isSuccess(result.response)) limitBody(result.response);
        return result;
      },
    // Runs before the body is read.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  );
  return client;
}

/**
 * Calls the store and rejects with a `TimeoutError` if there is no response in time. Aborting `stopSignal`
 * aborts the call.
 */
export async function callStore<T>(
  call: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  {
    timeoutMs = callTimeoutMs,
    stopSignal,
  }: { readonly timeoutMs?: number; readonly stopSignal?: AbortSignal } = {},
): Promise<T> {
  const abort = new AbortController();
  const abortCall = (): void => {
    abort.abort();
  };
  stopSignal?.addEventListener('abort', abortCall);
  let timer: NodeJS.Timeout | undefined;
  // Looking up credentials is part of a call and ignores the signal.
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new NoAnswer(`the store did not respond within ${String(Math.round(timeoutMs / 1000))} seconds`),
      );
      abortCall();
    }, timeoutMs);
  });
  try {
    return await Promise.race([call({ abortSignal: abort.signal }), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error for a client whose request failed because of the store. */
export function storeUnavailable(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const retryAt = new Date(Date.now() + retryAfterMs);
  const message = `the file store failed: ${failureName(cause)}`;
  return new AppError('service.unavailable', message, { cause, retryAt });
}

class NoAnswer extends Error {
  override readonly name = 'TimeoutError';
}

class TooLargeAnswer extends Error {
  override readonly name = 'TooLargeAnswer';
}

function isSuccess(response: unknown): boolean {
  const status =
    typeof response === 'object' && response && 'statusCode' in response ? response.statusCode : 0;
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** Limits the responses that the SDK reads into memory, because a store may send anything. */
function limitBody(response: unknown): void {
  if (typeof response !== 'object' || response === null || !('body' in response)) return;
  if (!(response.body instanceof Readable)) return;
  let bytes = 0;
  const limited = new Transform({
    transform: (chunk: Buffer, _, done) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) done(new TooLargeAnswer('the response of the store is too large'));
      else done(null, chunk);
    },
  });
  response.body = pipeline(response.body, limited, ignore);
}
