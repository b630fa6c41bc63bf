/** Reads stored objects. */
import { Readable } from 'node:stream';

import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';

import { statusOf } from '../logging/failure-name.js';
import { countStreamed } from '../process/stream-garbage.js';
import { callStore, storeUnavailable, type Bucket } from './s3-calls.js';
import type { S3Probe } from './s3-probe.js';

/** The first and the last byte, both included. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The store returned other bytes than requested, or a different number. */
class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

/** The size of the object, or undefined if there is none. Throws `service.unavailable`. */
export async function sizeOfObject(
  { client, bucket }: Bucket,
  key: string,
  probe: Pick<S3Probe, 'isListingDenied' | 'recordResult'>,
): Promise<number | undefined> {
  const head = new HeadObjectCommand({ Bucket: bucket, Key: key });
  try {
    return (await callStore((within) => client.send(head, within))).ContentLength;
  } catch (error) {
    const status = statusOf(error);
    // Without the permission to list, a store answers 403 for missing objects.
    if (status !== 404 && !(status === 403 && probe.isListingDenied())) throw storeUnavailable(error);
    // Only stored objects are requested, so a missing one may mean that the store loses objects.
    probe.recordResult('failed');
    return undefined;
  }
}

/** A stream of the bytes in the range. It fails with `service.unavailable`. */
export function readObject(target: Bucket, key: string, range: Range): Readable {
  const abort = new AbortController();
  const content = contentOf(target, { key, ...range }, abort.signal);
  const stream = Readable.from(content, { objectMode: false });
  // If the reader leaves before the store has responded, the request is aborted, so that no connection
  // remains open.
  return stream.once('close', () => {
    abort.abort();
  });
}

async function* contentOf(
  { client, bucket }: Bucket,
  { key, start, end }: Range & { readonly key: string },
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
      countStreamed(chunk.length);
      yield chunk;
    }
    if (missing > 0) throw new WrongAnswer();
  } catch (error) {
    throw storeUnavailable(error);
  }
}
