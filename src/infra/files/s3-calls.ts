/** Calls to a store that speaks the protocol of S3. Each of them ends in time, and only objects may be of any size. */
import { pipeline, Readable, Transform } from 'node:stream';

import { S3Client } from '@aws-sdk/client-s3';

export interface S3Settings {
  readonly bucket: string;
  /** Undefined: that of AWS for the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** Whether the bucket is named in the path rather than in the host. */
  readonly forcePathStyle: boolean;
}

const connectMs = 5_000;
/** Without a byte in either direction. */
const silenceMs = 15_000;
/** For a call with all its repetitions, unless it says otherwise; a store that drips would never be silent. */
const answerMs = 20_000;
/** A picture is two previews and itself, and so many pictures are looked at at once. */
const mostConnections = 64;
/** A page of a listing has some 400 kB. */
const mostAnswerBytes = 4_194_304;

const ignore = (): void => undefined;
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

export function createS3Client({ endpoint, region, forcePathStyle }: S3Settings): S3Client {
  const client = new S3Client({
    region,
    forcePathStyle,
    ...(endpoint !== undefined && { endpoint }),
    // Other stores than AWS's do not know the checksums that the SDK would add by itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    logger: silent, // It would write to the console; what matters is in its errors.
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
      httpAgent: { maxSockets: mostConnections },
      httpsAgent: { maxSockets: mostConnections },
    },
  });
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const answered = await next(args);
        if (commandName !== 'GetObjectCommand' || !isGood(answered.response)) bound(answered.response);
        return answered;
      },
    // Before anything has read the answer.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  );
  return client;
}

/** Calls the store; rejects with a `TimeoutError` when there is no answer in time. Ending `until` ends the call as well. */
export async function callStore<T>(
  call: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  { withinMs = answerMs, until }: { readonly withinMs?: number; readonly until?: AbortSignal } = {},
): Promise<T> {
  const ended = new AbortController();
  const end = (): void => {
    ended.abort();
  };
  until?.addEventListener('abort', end);
  let timer: NodeJS.Timeout | undefined;
  // Looking for credentials is part of a call, and hears no signal.
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => {
      fail(new NoAnswer(`the store has not answered within ${String(Math.round(withinMs / 1000))} seconds`));
      end();
    }, withinMs);
  });
  try {
    return await Promise.race([call({ abortSignal: ended.signal }), late]);
  } finally {
    clearTimeout(timer);
  }
}

class NoAnswer extends Error {
  override readonly name = 'TimeoutError';
}

class TooLargeAnswer extends Error {
  override readonly name = 'TooLargeAnswer';
}

function isGood(response: unknown): boolean {
  const status =
    typeof response === 'object' && response && 'statusCode' in response ? response.statusCode : 0;
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** What the SDK reads into memory, of a store that may answer anything. */
function bound(response: unknown): void {
  if (typeof response !== 'object' || response === null || !('body' in response)) return;
  if (!(response.body instanceof Readable)) return;
  let bytes = 0;
  const counted = new Transform({
    transform: (chunk: Buffer, _, done) => {
      bytes += chunk.length;
      if (bytes > mostAnswerBytes) done(new TooLargeAnswer('the answer of the store is too large'));
      else done(null, chunk);
    },
  });
  response.body = pipeline(response.body, counted, ignore);
}
