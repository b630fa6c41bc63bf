/** The media of a message that is to be sent: found, looked at, converted where that is asked for, and only then kept. */
import type { FieldError } from '../domain/errors.js';
import { AppError, isMediaError } from '../domain/errors.js';
import { newId } from '../domain/id.js';
import { isDecodable, typeFitsKind } from '../domain/media.js';
import { refusedMedia, wayOf, type MediaFacts } from '../domain/outbound.js';
import type { MediaKind } from '../domain/provider.js';
import type { MediaLimits, MediaWay } from '../domain/sending.js';
import { blobKey, type BlobStore } from '../infra/blob-store.js';
import { sniffType } from '../infra/file-types.js';
import type { ImageDecoder } from '../infra/images.js';
import { isMakeable } from '../infra/images-fit.js';
import type { MediaRecord } from '../infra/lookup.js';
import type { OutboundMedia } from '../infra/outbound-table.js';
import type { SafeFetch } from '../infra/safe-fetch.js';
import type { StagedFile, Staging } from '../infra/staging.js';
import { createLimit } from './concurrency.js';
import { decodeDataUrl } from './data-url.js';
import { isStored, type Store } from './store.js';

/** Exactly one of them. */
export interface MediaSource {
  readonly url?: string | undefined;
  readonly id?: string | undefined;
  readonly data?: string | undefined;
}

export interface WantedMedia {
  readonly source: MediaSource;
  readonly kind: MediaKind;
  readonly limits: MediaLimits;
  readonly ways: readonly MediaWay[];
  /** Converts what does not fit. */
  readonly fit: boolean;
  /** Fetches a link, to send what is kept of it. */
  readonly fetch: boolean;
  /** A ready media that whoever asks may see. */
  readonly find: (id: string) => Promise<MediaRecord | undefined>;
}

/** Media that were looked at. Either of both is to be called once. */
export interface LookedAt {
  readonly problems: readonly FieldError[];
  readonly filename: string | null;
  /** Stores what is to be stored. Rejects with a media error when it cannot be decoded. */
  readonly keep: () => Promise<KeptMedia>;
  readonly discard: () => Promise<void>;
}

export interface KeptMedia extends MediaFacts {
  readonly media: OutboundMedia;
  readonly link: string | null;
}

export interface OutboundMediaOptions {
  readonly download: SafeFetch;
  readonly staging: Staging;
  readonly blobs: BlobStore;
  readonly images: ImageDecoder;
  readonly store: Store;
  readonly maxBytes: number;
  /** How many pictures are converted at once. */
  readonly decoders: number;
  readonly linksReachUs: boolean;
}

/** A host that takes longer to say something about a link is not waited for. */
const longestLookMs = 5_000;

const noWay =
  'there is no way to hand it over: this provider takes links only, and PUBLIC_URL is no address that it can reach. ' +
  'Set PUBLIC_URL, or PUBLIC_MEDIA_LINKS=always if it can be reached all the same';
const noLinks = 'this provider takes no links; say "options": {"fetch": true} to have it fetched and sent';

export function createOutboundMedia(
  options: OutboundMediaOptions,
): (wanted: WantedMedia) => Promise<LookedAt> {
  const { download, staging, blobs } = options;
  const fileFrom = createFileSource(options);

  return async (wanted) => {
    const { source, limits, ways, fetch } = wanted;
    const field = `media.${source.url !== undefined ? 'url' : source.id !== undefined ? 'id' : 'data'}`;
    try {
      if (source.url !== undefined && !fetch) {
        const look = await download.look(source.url, AbortSignal.timeout(longestLookMs));
        const facts = look ?? { type: null, bytes: null };
        const problems = [...refusedMedia(facts, limits), ...(ways.includes('link') ? [] : [noLinks])];
        const kept = { ...facts, media: null, link: source.url };
        return looked(field, problems, { keep: () => Promise.resolve(kept) });
      }
      const closed = wayOf(ways, options.linksReachUs) ? [] : [noWay];
      if (source.id === undefined) {
        const bytes = source.data === undefined ? fetched(options, source.url ?? '') : decoded(source.data);
        return await fileFrom(field, wanted, { file: await staging.receive(bytes), closed });
      }
      const media = await wanted.find(source.id);
      if (!media?.blob) return looked(field, ['there is no such media, or it is not ready']);
      const { sha256, type, bytes } = media.blob;
      const needsLook =
        isDecodable(type) &&
        (limits.eightBitRgb === true || refusedMedia({ type, bytes }, limits).length > 0);
      if (needsLook) {
        const content = blobs.read(blobKey(sha256), { start: 0, end: bytes - 1 });
        return await fileFrom(field, wanted, { file: await staging.receive(content), closed, held: media });
      }
      const problems = [...wrongKind(type, wanted.kind), ...refusedMedia({ type, bytes }, limits), ...closed];
      const kept = { type, bytes, media: { id: media.id }, link: null };
      return looked(field, problems, { filename: media.filename, keep: () => Promise.resolve(kept) });
    } catch (error) {
      return looked(field, [reasonOf(error)]);
    }
  };
}

interface File {
  readonly file: StagedFile;
  readonly closed: readonly string[];
  /** The media whose bytes these are; without one, they are to be kept. */
  readonly held?: MediaRecord;
}

/** Bytes in a file: checked, and converted where that is asked for and helps. */
function createFileSource({ images, staging, store, blobs, decoders }: OutboundMediaOptions) {
  const convert = createLimit(decoders);

  const factsOf = async (file: StagedFile, kind: MediaKind, limits: MediaLimits): Promise<MediaFacts> => {
    const type = await sniffType(file.head);
    const { bytes } = file;
    const matters = limits.eightBitRgb === true && kind !== 'document' && isDecodable(type);
    return { type, bytes, ...(matters && { colours: await images.colours(file.path) }) };
  };

  /** A second file that fits, or the words that say why there is none. */
  const fitted = async (
    file: StagedFile,
    { kind, limits }: WantedMedia,
    type: string,
  ): Promise<StagedFile | string> => {
    const made = limits.types.find(isMakeable);
    if (kind !== 'image' && kind !== 'sticker') return `options.fit is for pictures, not for ${kind}`;
    if (!isDecodable(type) || made === undefined) return `${type} cannot be converted`;
    const target = { type: made, maxBytes: limits.maxBytes };
    const content = await convert(() => images.fit(file.path, target));
    if (!content) return `cannot be made to have at most ${String(limits.maxBytes)} bytes`;
    return staging.receive(chunked(content));
  };

  return async (field: string, wanted: WantedMedia, { file, closed, held }: File): Promise<LookedAt> => {
    const { kind, limits } = wanted;
    const filename = held?.filename ?? null;
    const done = [file];
    const discard = async (): Promise<void> => {
      await Promise.all(done.map((one) => one.discard()));
    };
    try {
      let facts = await factsOf(file, kind, limits);
      let problems = [...wrongKind(facts.type ?? '', kind), ...refusedMedia(facts, limits)];
      let toKeep = held ? undefined : file;
      if (wanted.fit && problems.length > 0) {
        const other = await fitted(file, wanted, facts.type ?? '');
        if (typeof other === 'string')
          return await discard().then(() => looked(field, [...problems, other, ...closed]));
        done.push(other);
        toKeep = other;
        facts = await factsOf(other, kind, limits);
        problems = refusedMedia(facts, limits);
      }
      const keep = async (): Promise<KeptMedia> => {
        try {
          if (!toKeep) return { ...facts, media: held && { id: held.id }, link: null } as KeptMedia;
          const blob = await store(toKeep, { kind, sha256: null });
          if (!(await isStored(blobs, blob)))
            throw new AppError('service.unavailable', 'the same bytes were being erased; send them again');
          return { ...facts, media: { id: newId(), blob }, link: null };
        } finally {
          await discard();
        }
      };
      return looked(field, [...problems, ...closed], { filename, keep, discard });
    } catch (error) {
      await discard();
      throw error;
    }
  };
}

function looked(
  field: string,
  problems: readonly string[],
  { filename = null, keep, discard }: Partial<Omit<LookedAt, 'problems'>> = {},
): LookedAt {
  return {
    problems: problems.map((message) => ({ field, message })),
    filename,
    keep: keep ?? (() => Promise.reject(new Error('there is nothing to keep'))),
    discard: discard ?? (() => Promise.resolve()),
  };
}

function wrongKind(type: string, kind: MediaKind): string[] {
  return typeFitsKind(type, kind) ? [] : [`announced as ${kind}, but the bytes are ${type}`];
}

/** In words for whoever asked. What is wrong with our own disk is not their fault. */
export function reasonOf(error: unknown): string {
  if (error instanceof AppError && isMediaError(error.code) && error.code !== 'media.storage_failed')
    return error.message;
  throw error;
}

async function* fetched({ download, maxBytes }: OutboundMediaOptions, url: string): AsyncGenerator<Buffer> {
  const { body } = await download.open({ url, maxBytes, credentials: () => ({}) });
  yield* body;
}

async function* decoded(dataUrl: string): AsyncGenerator<Buffer> {
  yield* chunked(decodeDataUrl(dataUrl));
}

// eslint-disable-next-line @typescript-eslint/require-await -- what receives it reads streams, which are asynchronous.
async function* chunked(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
