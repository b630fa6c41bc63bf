/** Checks the media of a message: a foreign link, a stored media item, or bytes in the request. */
import { AppError, isMediaError, isServiceFault, type FieldError } from '../../domain/errors.js';
import { isDecodable } from '../../domain/media.js';
import { mediaProblems, chooseWay } from '../../domain/outbound.js';
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits, SendLimits } from '../../domain/sending.js';
import { blobKey } from '../../infra/files/blob-store.js';
import type { StagedFile } from '../../infra/files/staging.js';
import type { SafeFetch } from '../../infra/net/safe-fetch.js';
import type { BlobRecord, MediaRecord } from '../../infra/tables/media/lookup.js';
import {
  chunked,
  createCheckFile,
  isConvertible,
  type CheckedFile,
  type StoredMedia,
  type CheckFileOptions,
} from './check-file.js';
import { decodeDataUrl } from './data-url.js';

/** Exactly one member is set. */
export interface MediaSource {
  readonly url?: string | undefined;
  readonly id?: string | undefined;
  readonly data?: string | undefined;
}

export interface MediaRequest {
  readonly source: MediaSource;
  readonly kind: MediaKind;
  readonly limits: SendLimits;
  /** Converts a picture that exceeds the limits. */
  readonly fit?: boolean | undefined;
  /** Downloads a link and sends the stored file. */
  readonly fetch?: boolean | undefined;
  /** Finds a ready media item that the caller may see. */
  readonly findVisible: (id: string) => Promise<MediaRecord | undefined>;
}

/** Works like {@link CheckedFile}, with the field of each problem. */
export type CheckedMedia = Omit<CheckedFile, 'problems'> & { readonly problems: readonly FieldError[] };

export interface CheckMediaOptions extends CheckFileOptions {
  readonly download: SafeFetch;
  readonly maxBytes: number;
  readonly linksAreReachable: boolean;
}

/** A host that takes longer to answer a link check is not waited for. */
const linkCheckTimeoutMs = 5_000;

const unreachableMessage =
  'the provider cannot get the file: it accepts links only, and PUBLIC_URL is not reachable from the internet. ' +
  'Set PUBLIC_URL, or PUBLIC_MEDIA_LINKS=always if it is reachable after all';
const linksNotAccepted =
  'this provider accepts no links; set "options": {"fetch": true} to download and send the file';
const mediaNotFound = 'no ready media item has this id';

type Check = (request: MediaRequest, limits: MediaLimits) => Promise<CheckedFile>;

export function createCheckMedia(
  options: CheckMediaOptions,
): (request: MediaRequest) => Promise<CheckedMedia> {
  const { staging } = options;
  const checkFile = createCheckFile(options);

  const checkLink: Check = async ({ source: { url = '' }, limits: { ways } }, limits) => {
    const info = await options.download.probe({
      url,
      signal: AbortSignal.timeout(linkCheckTimeoutMs),
      // A refusal is verified with a second request: many hosts answer HEAD wrongly and use unusual type
      // names.
      isSufficient: (answer) => mediaProblems(answer, limits).length === 0,
    });
    const facts = info ?? { type: null, bytes: null };
    const problems = [...mediaProblems(facts, limits), ...(ways.includes('link') ? [] : [linksNotAccepted])];
    return resultOf(problems, { ...facts, media: null, link: url });
  };

  const checkStored: Check = async (request, limits) => {
    const media = await request.findVisible(request.source.id ?? '');
    if (!media?.blob) return { ...emptyResult, problems: [mediaNotFound] };
    const { sha256, type, bytes } = media.blob;
    if (needsDecoder(media.blob, request, limits)) {
      return checkFile({
        ...request,
        limits,
        stored: media,
        file: await readStored(options, { sha256, bytes }),
      });
    }
    const problems = mediaProblems({ type, bytes }, limits);
    const stored = { type, bytes, media: { id: media.id }, link: null };
    return { ...resultOf(problems, stored), filename: media.filename };
  };

  const checkBytes: Check = async (request, limits) => {
    const { url, data } = request.source;
    const content = data === undefined ? fetchLink(options, url ?? '') : decodeData(data);
    return checkFile({ ...request, limits, stored: null, file: await staging.receive(content) });
  };

  return async (request) => {
    const { source, kind, limits, fetch = false } = request;
    const field = fieldOf(source);
    const kindLimits = limits.media[kind];
    // A kind that the provider does not accept is reported by the check of the texts.
    if (!kindLimits) return { ...emptyResult, problems: [] };
    const isLink = source.url !== undefined && !fetch;
    const check = isLink ? checkLink : source.id === undefined ? checkBytes : checkStored;
    const unreachable =
      isLink || chooseWay(limits.ways, options.linksAreReachable) ? [] : [unreachableMessage];
    const result = await check(request, kindLimits).catch((error: unknown) => ({
      ...emptyResult,
      problems: [refusalReason(error)],
    }));
    return {
      ...result,
      problems: [...result.problems, ...unreachable].map((message) => ({ field, message })),
    };
  };
}

function fieldOf({ url, id }: MediaSource): string {
  if (url !== undefined) return 'media.url';
  return id === undefined ? 'media.data' : 'media.id';
}

/** For most providers, the known facts about stored bytes are sufficient. */
function needsDecoder({ type, bytes }: BlobRecord, { fit }: MediaRequest, limits: MediaLimits): boolean {
  const mayBeConverted = fit === true && mediaProblems({ type, bytes }, limits).length > 0;
  return (isDecodable(type) && limits.eightBitRgb === true) || (isConvertible(type) && mayBeConverted);
}

const emptyResult: Omit<CheckedFile, 'problems'> = {
  filename: null,
  store: () => Promise.reject(new Error('there is nothing to store')),
  discard: () => Promise.resolve(),
};

function resultOf(problems: readonly string[], stored: StoredMedia): CheckedFile {
  return { ...emptyResult, problems, store: () => Promise.resolve(stored) };
}

/** Copies stored bytes to a staged file. Missing or damaged bytes are not the caller's fault. */
async function readStored(
  { staging, blobs }: CheckMediaOptions,
  { sha256, bytes }: Pick<BlobRecord, 'sha256' | 'bytes'>,
): Promise<StagedFile> {
  const file = await staging.receive(blobs.read(blobKey(sha256), { start: 0, end: bytes - 1 }));
  if (file.sha256 === sha256) return file;
  await file.discard();
  throw new AppError('media.storage_failed', 'the stored bytes do not match their digest');
}

/** Returns the message for the caller. Faults of this service are not blamed on the caller. */
export function refusalReason(error: unknown): string {
  if (!(error instanceof AppError) || !isMediaError(error.code)) throw error;
  if (!isServiceFault(error.code)) return error.message;
  throw new AppError('service.unavailable', 'the file could not be stored; send it again', { cause: error });
}

async function* fetchLink({ download, maxBytes }: CheckMediaOptions, url: string): AsyncGenerator<Buffer> {
  const { body } = await download.open({ url, maxBytes, credentials: () => ({}) });
  yield* body;
}

async function* decodeData(dataUrl: string): AsyncGenerator<Buffer> {
  yield* chunked(decodeDataUrl(dataUrl));
}
