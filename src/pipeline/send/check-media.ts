/** Checks the media of a message: a foreign link, a stored media item, or bytes in the request. */
import { aboutCallersFile, type FieldError } from '../../domain/errors.js';
import { isDecodable } from '../../domain/media.js';
import { chooseWay, examinesPixels, mediaProblems } from '../../domain/outbound.js';
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits, SendLimits } from '../../domain/sending.js';
import type { BlobStore } from '../../infra/files/blob-store.js';
import type { Staging } from '../../infra/files/staging.js';
import type { SafeFetch } from '../../infra/net/safe-fetch.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import { stagedCopy } from '../media/staged-copy.js';
import { createCheckFile, type CheckedFile, type CheckFileOptions, type StoredMedia } from './check-file.js';
import { chunked, createConvert, obstacleToConversion, type ConvertOptions } from './convert.js';
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
  /** Whether the provider can get files from links to this service. */
  readonly linksAreReachable: boolean;
  /** Finds a ready media item that the caller may see. */
  readonly findVisible: (id: string) => Promise<MediaRecord | undefined>;
}

/** Works like {@link CheckedFile}, with the field of each problem. */
export type CheckedMedia = Omit<CheckedFile, 'problems'> & { readonly problems: readonly FieldError[] };

export interface CheckMediaOptions
  extends Omit<CheckFileOptions, 'convert' | 'images'>, Omit<ConvertOptions, 'images' | 'staging'> {
  readonly images: CheckFileOptions['images'] & ConvertOptions['images'];
  readonly staging: Staging;
  readonly blobs: BlobStore;
  readonly download: SafeFetch;
  readonly maxBytes: number;
}

/** A host that takes longer to answer a link check is not waited for. */
const linkCheckTimeoutMs = 5_000;

const unreachableMessage =
  'the provider cannot get the file: it accepts links only, and PUBLIC_URL is not reachable from the internet. ' +
  'Set PUBLIC_URL, or PUBLIC_MEDIA_LINKS=always if it is reachable after all';
const linksNotAccepted =
  'this provider accepts no links; set "options": {"fetch": true} to download and send the file';
const linksNotConverted =
  'options.fit converts stored files only; set "options": {"fetch": true} to download the file first';
const mediaNotFound = 'no ready media item has this id';

type CheckFile = ReturnType<typeof createCheckFile>;

export function createCheckMedia(
  options: CheckMediaOptions,
): (request: MediaRequest) => Promise<CheckedMedia> {
  const checkFile = createCheckFile({ ...options, convert: createConvert(options) });
  return async (request) => {
    const { source, kind, limits, fetch = false } = request;
    const field = fieldOf(source);
    const kindLimits = limits.media[kind];
    // A kind that the provider does not accept is reported by the check of the texts.
    if (!kindLimits) return { ...emptyResult, problems: [] };
    const isLink = source.url !== undefined && !fetch;
    const check = (): Promise<CheckedFile> => {
      if (isLink) return checkLink(options, request, limits.linkedMedia?.[kind] ?? kindLimits);
      if (source.id === undefined) return checkBytes({ ...options, checkFile }, request, kindLimits);
      return checkStored({ ...options, checkFile }, request, kindLimits);
    };
    const unreachable =
      isLink || chooseWay(limits.ways, request.linksAreReachable) ? [] : [unreachableMessage];
    const result = await check().catch((error: unknown) => ({
      ...emptyResult,
      problems: [aboutCallersFile(error).message],
    }));
    return {
      ...result,
      problems: [...result.problems, ...unreachable].map((message) => ({ field, message })),
    };
  };
}

async function checkLink(
  { download }: CheckMediaOptions,
  { source: { url = '' }, limits: { ways }, fit }: MediaRequest,
  limits: MediaLimits,
): Promise<CheckedFile> {
  const info = await download.probe({
    url,
    signal: AbortSignal.timeout(linkCheckTimeoutMs),
    // A refusal is verified with a second request: many hosts answer HEAD wrongly and use unusual type names.
    isSufficient: (answer) => mediaProblems(answer, limits).length === 0,
  });
  const facts = info ?? { type: null, bytes: null };
  const problems = mediaProblems(facts, limits);
  if (fit && problems.length > 0) problems.push(linksNotConverted);
  if (!ways.includes('link')) problems.push(linksNotAccepted);
  return resultOf(problems, { ...facts, media: null, link: url });
}

/** For most providers, the known facts about stored bytes are sufficient. */
async function checkStored(
  options: CheckMediaOptions & { readonly checkFile: CheckFile },
  request: MediaRequest,
  limits: MediaLimits,
): Promise<CheckedFile> {
  const media = await request.findVisible(request.source.id ?? '');
  if (!media?.blob) return { ...emptyResult, problems: [mediaNotFound] };
  const { type, bytes } = media.blob;
  const problems = mediaProblems({ type, bytes }, limits);
  const isConverted = request.fit === true && problems.length > 0;
  const obstacle = isConverted ? obstacleToConversion({ kind: request.kind, type }, limits) : undefined;
  const needsBytes = isConverted ? obstacle === undefined : isDecodable(type) && examinesPixels(limits);
  if (needsBytes)
    return options.checkFile({
      ...request,
      limits,
      stored: media,
      file: await stagedCopy(options, media.blob),
    });
  if (obstacle !== undefined) problems.push(obstacle);
  const stored = { type, bytes, media: { id: media.id }, link: null };
  return { ...resultOf(problems, stored), filename: media.filename };
}

async function checkBytes(
  options: CheckMediaOptions & { readonly checkFile: CheckFile },
  request: MediaRequest,
  limits: MediaLimits,
): Promise<CheckedFile> {
  const { url, data } = request.source;
  const content = data === undefined ? fetchLink(options, url ?? '') : decodeData(data);
  return options.checkFile({
    ...request,
    limits,
    stored: null,
    file: await options.staging.receive(content),
  });
}

function fieldOf({ url, id }: MediaSource): string {
  if (url !== undefined) return 'media.url';
  return id === undefined ? 'media.data' : 'media.id';
}

const emptyResult: Omit<CheckedFile, 'problems'> = {
  filename: null,
  store: () => Promise.reject(new Error('there is nothing to store')),
  discard: () => Promise.resolve(),
};

function resultOf(problems: readonly string[], stored: StoredMedia): CheckedFile {
  return { ...emptyResult, problems, store: () => Promise.resolve(stored) };
}

async function* fetchLink({ download, maxBytes }: CheckMediaOptions, url: string): AsyncGenerator<Buffer> {
  const { body } = await download.open({ url, maxBytes, credentials: () => ({}) });
  yield* body;
}

async function* decodeData(dataUrl: string): AsyncGenerator<Buffer> {
  yield* chunked(decodeDataUrl(dataUrl));
}
