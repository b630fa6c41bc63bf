import { path } from './addresses.js';
import type { Erased, Media, MediaHistory, SignedLink } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import { sleep } from './sleep.js';
import type { CallOptions, Transport } from './transport.js';
import { formOf } from './upload.js';

/** `small` fits 533x533, `large` fits 1600x1600. */
export type PreviewSize = 'small' | 'large';

/** Filters of the list of media. A media item must match all of them. */
export interface MediaQuery extends PageQuery {
  readonly channel?: string | undefined;
  readonly provider?: string | undefined;
  readonly direction?: Media['direction'] | undefined;
  readonly kind?: Media['kind'] | undefined;
  readonly state?: Media['state'] | undefined;
  /** The identifier of the person, as in `message.from`. */
  readonly from?: string | undefined;
  readonly chat?: string | undefined;
  readonly messageId?: string | undefined;
  readonly sha256?: string | undefined;
  /** The earliest time of receipt. */
  readonly since?: Date | string | undefined;
  /** The end of the period of receipt, exclusive. */
  readonly until?: Date | string | undefined;
  /** Part of the caption. */
  readonly q?: string | undefined;
}

/** Options of {@link MediaClient.wait}. */
export interface WaitOptions extends CallOptions {
  /** 60 by default. */
  readonly maxSeconds?: number | undefined;
}

/** Options of {@link MediaClient.content}. */
export interface ContentOptions extends CallOptions {
  /** A range as in HTTP: `bytes=0-1023`. */
  readonly range?: string | undefined;
}

/** Options of {@link MediaClient.link}. */
export interface LinkOptions extends CallOptions {
  /** 3600 by default, and 30 days at most. */
  readonly expiresInSeconds?: number | undefined;
  /** The size of a preview; by default the link leads to the file. */
  readonly size?: PreviewSize | undefined;
}

/** Options of erasing. */
export interface EraseOptions extends CallOptions {
  /** Only counts what would be erased. */
  readonly dryRun?: boolean | undefined;
}

/** Where an upload belongs. */
export interface UploadOptions extends CallOptions {
  readonly channel: string;
  /** `image` by default. */
  readonly kind?: Media['kind'] | undefined;
  /** By default the name of the `File`. */
  readonly filename?: string | undefined;
}

/** Received, sent and uploaded files. */
export interface MediaClient {
  readonly list: (query?: MediaQuery, options?: CallOptions) => List<Media>;
  readonly get: (id: string, options?: CallOptions) => Promise<Media>;
  /** Resolves when the media item is no longer `pending`, or after the maximum time. Check its `state`. */
  readonly wait: (id: string, options?: WaitOptions) => Promise<Media>;
  readonly history: (id: string, options?: CallOptions) => Promise<MediaHistory>;
  /** The file as it was received. The `body` of the response is a stream. */
  readonly content: (id: string, options?: ContentOptions) => Promise<Response>;
  readonly preview: (id: string, size?: PreviewSize, options?: CallOptions) => Promise<Response>;
  /** Creates a link that needs no token. */
  readonly link: (id: string, options?: LinkOptions) => Promise<SignedLink>;
  /** Downloads a media item again that is `rejected` or `failed`. */
  readonly retry: (id: string, options?: CallOptions) => Promise<Media>;
  readonly erase: (id: string, options?: EraseOptions) => Promise<Erased>;
  /** Stores a file, for sending. A stream is sent while it is read, which browsers support over HTTP/2 only. */
  readonly upload: (file: Blob | ReadableStream<Uint8Array>, options: UploadOptions) => Promise<Media>;
}

/** The maximum time that the service waits in one call, in seconds. */
const longestWaitSeconds = 30;
const standardWaitSeconds = 60;
const lookAgainMs = 100;

export function mediaClient(transport: Transport): MediaClient {
  const { json, answer } = transport;
  return {
    list: (query, options) => listOf(transport, { path: '/v1/media', query: { ...query }, options }),
    get: (id, options) => json({ ...options, method: 'GET', path: path`/v1/media/${id}` }),
    wait: (id, options) => waitFor(transport, id, options),
    history: (id, options) => json({ ...options, method: 'GET', path: path`/v1/media/${id}/history` }),
    content: (id, { range, signal, timeoutMs } = {}) =>
      answer({
        signal,
        timeoutMs,
        method: 'GET',
        path: path`/v1/media/${id}/content`,
        headers: range === undefined ? {} : { range },
      }),
    preview: (id, size = 'small', options) =>
      answer({ ...options, method: 'GET', path: path`/v1/media/${id}/preview`, query: { size } }),
    link: (id, { expiresInSeconds: expiresIn, size, signal, timeoutMs } = {}) =>
      json({
        signal,
        timeoutMs,
        method: 'POST',
        path: path`/v1/media/${id}/link`,
        json: { expiresIn, size },
      }),
    retry: (id, options) => json({ ...options, method: 'POST', path: path`/v1/media/${id}/retry` }),
    erase: (id, options) => json(eraseRequest(path`/v1/media/${id}`, options)),
    upload: (file, { channel, kind, filename, signal, timeoutMs = Infinity }) =>
      json({
        signal,
        timeoutMs,
        method: 'POST',
        path: '/v1/media',
        ...formOf({ fields: { channel, kind }, file, filename: filename ?? nameOf(file) }),
      }),
  };
}

/** Sends a request that erases, or counts what would be erased. */
export function eraseRequest(path: string, { dryRun, signal, timeoutMs }: EraseOptions = {}) {
  const query = { dryRun: dryRun === true ? 'true' : undefined };
  return { signal, timeoutMs, method: 'DELETE', path, query } as const;
}

async function waitFor(
  { json }: Transport,
  id: string,
  { maxSeconds = standardWaitSeconds, signal, timeoutMs }: WaitOptions = {},
): Promise<Media> {
  const deadline = Date.now() + maxSeconds * 1000;
  for (;;) {
    const left = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
    const wait = Math.min(left, longestWaitSeconds);
    const media = await json<Media>({
      signal,
      timeoutMs,
      waitMs: wait * 1000,
      method: 'GET',
      path: path`/v1/media/${id}`,
      query: { wait },
    });
    if (media.state !== 'pending' || Date.now() >= deadline) return media;
    // The service usually waits itself. The pause prevents a tight loop if it answers at once.
    await sleep(lookAgainMs, signal);
  }
}

function nameOf(file: Blob | ReadableStream<Uint8Array>): string {
  return file instanceof File ? file.name : 'file';
}
