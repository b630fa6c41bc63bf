import { path } from './addresses.js';
import type {
  Annotations,
  DocumentPages,
  Erased,
  Evidence,
  Fact,
  Media,
  MediaHistory,
  SignedLink,
  SimilarMedia,
} from './answers.js';
import { itemsOf, listOf, type List, type PageQuery } from './pages.js';
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
  /** A whole tag. */
  readonly tag?: string | undefined;
  /** Whether somebody said that it needs no attention any more. */
  readonly resolved?: boolean | undefined;
  /** Only the favourites of the user, or of the token if no user owns it. */
  readonly favourite?: true | undefined;
  /** The earliest time of receipt. */
  readonly since?: Date | string | undefined;
  /** The end of the period of receipt, exclusive. */
  readonly until?: Date | string | undefined;
  /** Part of the caption, of the file name, or of the name or number of the person or the group. */
  readonly q?: string | undefined;
}

type Recorded<One> = One extends unknown ? Omit<One, 'recordedAt' | 'language' | 'confidence'> : never;

/** A fact to record. */
export type NewFact = Recorded<Fact> & {
  /** A language tag such as `pt-BR`. */
  readonly language?: string | null | undefined;
  /** From 0 to 1. */
  readonly confidence?: number | null | undefined;
};

/** Which media to export, and how. */
export interface ExportQuery extends Omit<MediaQuery, 'limit' | 'cursor'> {
  /** `zip` contains the files and a manifest; the others are the manifest alone. `zip` by default. */
  readonly format?: 'zip' | 'csv' | 'jsonl' | undefined;
  /** Everything that was exchanged with this person or in this group; needs `channel`. */
  readonly contact?: string | undefined;
  /** These media instead of those that match the filters; 200 at most. */
  readonly ids?: readonly string[] | undefined;
}

/** A line of an export: of `jsonl`, or of `manifest.jsonl` in an archive. */
export type ExportedMedia = Media & {
  /** What programs have found out about it. */
  readonly facts: readonly Fact[];
  /** The path in the archive; null in an export without files. */
  readonly file: string | null;
  /** Why the file is missing in the archive, or that it contains only the beginning of the file. */
  readonly omitted: 'not_ready' | 'erased' | 'unreadable' | 'incomplete' | null;
};

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

/** Members that are left out stay as they are. */
export interface AnnotationChange {
  /** All tags that it shall have. */
  readonly tags?: readonly string[] | undefined;
  /** Null removes it. */
  readonly note?: string | null | undefined;
  readonly resolved?: boolean | undefined;
}

/** Options of {@link MediaClient.annotate}. */
export interface AnnotateOptions extends CallOptions {
  /** The revision that was read: rejects with `media.annotated_meanwhile` if somebody else was faster. */
  readonly revision?: number | undefined;
}

/** Where an upload belongs. */
export interface UploadOptions extends CallOptions {
  readonly channel: string;
  /** `image` by default. */
  readonly kind?: Media['kind'] | undefined;
  /** The name of the `File` by default. */
  readonly filename?: string | undefined;
}

/** Filters of the list of tags. */
export interface TagQuery {
  readonly channel?: string | undefined;
  /** The beginning of a tag. */
  readonly q?: string | undefined;
}

/** Received, sent and uploaded files. */
export interface MediaClient {
  readonly list: (query?: MediaQuery, options?: CallOptions) => List<Media>;
  readonly get: (id: string, options?: CallOptions) => Promise<Media>;
  /** Resolves when the media item is no longer `pending`, or after the maximum time. Check its `state`. */
  readonly wait: (id: string, options?: WaitOptions) => Promise<Media>;
  /**
   * Records what a program has found out about a media item. A further fact of the same source and type replaces
   * it.
   */
  readonly recordFact: (id: string, fact: NewFact, options?: CallOptions) => Promise<Fact>;
  readonly facts: (id: string, options?: CallOptions) => Promise<readonly Fact[]>;
  /** The nearest media with the same picture, also if it was scaled or compressed again. */
  readonly similar: (id: string, options?: CallOptions) => Promise<readonly SimilarMedia[]>;
  /** The pages of a PDF. */
  readonly pages: (id: string, options?: CallOptions) => Promise<DocumentPages>;
  /** A page of a PDF as JPEG. The first page is 1. */
  readonly page: (id: string, number: number, options?: CallOptions) => Promise<Response>;
  readonly history: (id: string, options?: CallOptions) => Promise<MediaHistory>;
  /** A report with hashes, times and what was done. The service reads the whole file for it. */
  readonly evidence: (id: string, options?: CallOptions) => Promise<Evidence>;
  /** The file as it was received. The `body` of the response is a stream. */
  readonly content: (id: string, options?: ContentOptions) => Promise<Response>;
  readonly preview: (id: string, size?: PreviewSize, options?: CallOptions) => Promise<Response>;
  /** Creates a link that needs no token. */
  readonly link: (id: string, options?: LinkOptions) => Promise<SignedLink>;
  /** Downloads a media item again that is `rejected` or `failed`. */
  readonly retry: (id: string, options?: CallOptions) => Promise<Media>;
  /** Changes tags and note, or marks the item as dealt with. */
  readonly annotate: (
    id: string,
    change: AnnotationChange,
    options?: AnnotateOptions,
  ) => Promise<Annotations>;
  /** Stars a media item, for the user or for the token if no user owns it. */
  readonly addFavourite: (id: string, options?: CallOptions) => Promise<void>;
  readonly removeFavourite: (id: string, options?: CallOptions) => Promise<void>;
  /** Those of these media, 200 at most, that are favourites. */
  readonly favourites: (ids: readonly string[], options?: CallOptions) => Promise<readonly string[]>;
  /** The tags that media have, or those that begin with a text. */
  readonly tags: (query?: TagQuery, options?: CallOptions) => Promise<readonly string[]>;
  readonly erase: (id: string, options?: EraseOptions) => Promise<Erased>;
  /**
   * Many media in one download. The `body` of the response is a stream, which fails if the export could not be
   * completed.
   */
  readonly export: (query?: ExportQuery, options?: CallOptions) => Promise<Response>;
  /**
   * Stores a file, for sending. A stream is sent while it is read, which browsers support over HTTP/2 only.
   */
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
    recordFact: (id, fact, options) =>
      json({ ...options, method: 'POST', path: path`/v1/media/${id}/facts`, json: fact }),
    facts: (id, options) => itemsOf(transport, { path: path`/v1/media/${id}/facts`, options }),
    similar: (id, options) => itemsOf(transport, { path: path`/v1/media/${id}/similar`, options }),
    pages: (id, options) => json({ ...options, method: 'GET', path: path`/v1/media/${id}/pages` }),
    page: (id, number, options) =>
      answer({ ...options, method: 'GET', path: path`/v1/media/${id}/pages/${String(number)}` }),
    history: (id, options) => json({ ...options, method: 'GET', path: path`/v1/media/${id}/history` }),
    evidence: (id, options) => json({ ...options, method: 'GET', path: path`/v1/media/${id}/evidence` }),
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
    annotate: (id, change, { revision, signal, timeoutMs } = {}) =>
      json({
        signal,
        timeoutMs,
        method: 'PATCH',
        path: path`/v1/media/${id}`,
        json: change,
        headers: revision === undefined ? {} : { 'if-match': String(revision) },
      }),
    addFavourite: (id, options) => json({ ...options, method: 'PUT', path: path`/v1/media/${id}/favourite` }),
    removeFavourite: (id, options) =>
      json({ ...options, method: 'DELETE', path: path`/v1/media/${id}/favourite` }),
    favourites: (ids, options) =>
      itemsOf(transport, { path: '/v1/favourites', query: { ids: ids.join(',') }, options }),
    tags: (query, options) => itemsOf(transport, { path: '/v1/tags', query: { ...query }, options }),
    erase: (id, options) => json(eraseRequest(path`/v1/media/${id}`, options)),
    export: ({ ids, ...query } = {}, options) =>
      answer({ ...options, method: 'GET', path: '/v1/export', query: { ...query, ids: ids?.join(',') } }),
    upload: (file, options) => json(uploadRequest(file, options)),
  };
}

function uploadRequest(
  file: Blob | ReadableStream<Uint8Array>,
  { channel, kind, filename, signal, timeoutMs = Infinity }: UploadOptions,
) {
  const form = formOf({ fields: { channel, kind }, file, filename: filename ?? nameOf(file) });
  return { signal, timeoutMs, method: 'POST', path: '/v1/media', ...form } as const;
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
