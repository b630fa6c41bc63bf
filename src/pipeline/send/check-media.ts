/** The media of a message that is to be sent: a foreign link, something that is kept already, or bytes that come along. */
import { AppError, isMediaError, isOwnTrouble, type FieldError } from '../../domain/errors.js';
import { isDecodable } from '../../domain/media.js';
import { refusedMedia, wayOf } from '../../domain/outbound.js';
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits, SendLimits } from '../../domain/sending.js';
import { blobKey } from '../../infra/files/blob-store.js';
import type { StagedFile } from '../../infra/files/staging.js';
import type { SafeFetch } from '../../infra/net/safe-fetch.js';
import type { BlobRecord, MediaRecord } from '../../infra/tables/media/lookup.js';
import {
  chunked,
  createOutboundFile,
  isConvertible,
  type Found,
  type KeptMedia,
  type OutboundFileOptions,
} from './check-file.js';
import { decodeDataUrl } from './data-url.js';

/** Exactly one of them. */
export interface MediaSource {
  readonly url?: string | undefined;
  readonly id?: string | undefined;
  readonly data?: string | undefined;
}

export interface WantedMedia {
  readonly source: MediaSource;
  readonly kind: MediaKind;
  readonly limits: SendLimits;
  /** Converts a picture that does not fit. */
  readonly fit?: boolean | undefined;
  /** Fetches a link, to send what is kept of it. */
  readonly fetch?: boolean | undefined;
  /** A ready media that whoever asks may see. */
  readonly find: (id: string) => Promise<MediaRecord | undefined>;
}

/** As {@link Found}, with the field that each problem is about. */
export type LookedAt = Omit<Found, 'problems'> & { readonly problems: readonly FieldError[] };

export interface OutboundMediaOptions extends OutboundFileOptions {
  readonly download: SafeFetch;
  readonly maxBytes: number;
  readonly linksReachUs: boolean;
}

/** A host that takes longer to say something about a link is not waited for. */
const longestLookMs = 5_000;

const noWay =
  'there is no way to hand it over: this provider takes links only, and PUBLIC_URL is no address that it can reach. ' +
  'Set PUBLIC_URL, or PUBLIC_MEDIA_LINKS=always if it can be reached all the same';
const noLinks = 'this provider takes no links; say "options": {"fetch": true} to have it fetched and sent';
const noMedia = 'there is no such media, or it is not ready';

type Look = (wanted: WantedMedia, limits: MediaLimits) => Promise<Found>;

export function createOutboundMedia(
  options: OutboundMediaOptions,
): (wanted: WantedMedia) => Promise<LookedAt> {
  const { staging } = options;
  const lookAtFile = createOutboundFile(options);

  const lookAtLink: Look = async ({ source: { url = '' }, limits: { ways } }, limits) => {
    const seen = await options.download.look({
      url,
      signal: AbortSignal.timeout(longestLookMs),
      // What would be refused is looked at more closely: many hosts answer HEAD wrongly, and name types in their own way.
      suffices: (told) => refusedMedia(told, limits).length === 0,
    });
    const facts = seen ?? { type: null, bytes: null };
    const problems = [...refusedMedia(facts, limits), ...(ways.includes('link') ? [] : [noLinks])];
    return found(problems, { ...facts, media: null, link: url });
  };

  const lookAtHeld: Look = async (wanted, limits) => {
    const media = await wanted.find(wanted.source.id ?? '');
    if (!media?.blob) return { ...nothing, problems: [noMedia] };
    const { sha256, type, bytes } = media.blob;
    if (needsDecoder(media.blob, wanted, limits)) {
      return lookAtFile({ ...wanted, limits, held: media, file: await readHeld(options, { sha256, bytes }) });
    }
    const problems = refusedMedia({ type, bytes }, limits);
    const kept = { type, bytes, media: { id: media.id }, link: null };
    return { ...found(problems, kept), filename: media.filename };
  };

  const lookAtBytes: Look = async (wanted, limits) => {
    const { url, data } = wanted.source;
    const content = data === undefined ? fetched(options, url ?? '') : decoded(data);
    return lookAtFile({ ...wanted, limits, held: null, file: await staging.receive(content) });
  };

  return async (wanted) => {
    const { source, kind, limits, fetch = false } = wanted;
    const field = fieldOf(source);
    const ofKind = limits.media[kind];
    // That the kind is not taken is said elsewhere.
    if (!ofKind) return { ...nothing, problems: [] };
    const isLink = source.url !== undefined && !fetch;
    const look = isLink ? lookAtLink : source.id === undefined ? lookAtBytes : lookAtHeld;
    const closed = isLink || wayOf(limits.ways, options.linksReachUs) ? [] : [noWay];
    const result = await look(wanted, ofKind).catch((error: unknown) => ({
      ...nothing,
      problems: [reasonOf(error)],
    }));
    return { ...result, problems: [...result.problems, ...closed].map((message) => ({ field, message })) };
  };
}

function fieldOf({ url, id }: MediaSource): string {
  if (url !== undefined) return 'media.url';
  return id === undefined ? 'media.data' : 'media.id';
}

/** What is known of stored bytes does for most providers. */
function needsDecoder({ type, bytes }: BlobRecord, { fit }: WantedMedia, limits: MediaLimits): boolean {
  const mayBeConverted = fit === true && refusedMedia({ type, bytes }, limits).length > 0;
  return (isDecodable(type) && limits.eightBitRgb === true) || (isConvertible(type) && mayBeConverted);
}

const nothing: Omit<Found, 'problems'> = {
  filename: null,
  keep: () => Promise.reject(new Error('there is nothing to keep')),
  discard: () => Promise.resolve(),
};

function found(problems: readonly string[], kept: KeptMedia): Found {
  return { ...nothing, problems, keep: () => Promise.resolve(kept) };
}

/** A copy of stored bytes. That they are gone or damaged is no fault of whoever asked for them. */
async function readHeld(
  { staging, blobs }: OutboundMediaOptions,
  { sha256, bytes }: Pick<BlobRecord, 'sha256' | 'bytes'>,
): Promise<StagedFile> {
  const file = await staging.receive(blobs.read(blobKey(sha256), { start: 0, end: bytes - 1 }));
  if (file.sha256 === sha256) return file;
  await file.discard();
  throw new AppError('media.storage_failed', 'the stored bytes are not those that were kept');
}

/** In words for whoever asked. What is wrong with our own disk is not their fault. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof AppError) || !isMediaError(error.code)) throw error;
  if (!isOwnTrouble(error.code)) return error.message;
  throw new AppError('service.unavailable', 'the file could not be taken; send it again', { cause: error });
}

async function* fetched({ download, maxBytes }: OutboundMediaOptions, url: string): AsyncGenerator<Buffer> {
  const { body } = await download.open({ url, maxBytes, credentials: () => ({}) });
  yield* body;
}

async function* decoded(dataUrl: string): AsyncGenerator<Buffer> {
  yield* chunked(decodeDataUrl(dataUrl));
}
