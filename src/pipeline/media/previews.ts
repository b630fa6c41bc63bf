/** Chooses the decoder for each file and limits how many decoders run at once. */
import { AppError, type ErrorCode } from '../../domain/errors.js';
import { isDecodable, isHeic, type WarningCode } from '../../domain/media.js';
import type { ImageDecoder } from '../../infra/pictures/decoder.js';
import type { Previewed } from '../../infra/pictures/encode-previews.js';
import { hdrOf, type HdrColours } from '../../infra/pictures/hdr.js';
import type { HeicDecoder } from '../../infra/pictures/heic.js';
import type { IsolatedDecoder, PreviewResult } from '../../infra/pictures/isolated-decoder.js';
import { isVideoContainer, type FrameGrabber } from '../../infra/pictures/video-frames.js';
import { createLimit, type Limit } from '../concurrency.js';

export interface PreviewOptions {
  readonly images: Pick<ImageDecoder, 'preview'>;
  /** The isolated process, which a hostile picture cannot harm. */
  readonly isolated: Pick<IsolatedDecoder, 'preview'>;
  readonly decodeHeic: HeicDecoder;
  /** If undefined, there is no ffmpeg and videos have no previews. */
  readonly grabFrame: FrameGrabber | undefined;
  /** The number of pictures that are decoded at once. */
  readonly decoders: number | (() => number);
  /** Once aborted, callers no longer wait for a decoder. */
  readonly stopSignal?: AbortSignal;
}

/** A process died while it processed the file. */
export interface Suspicion {
  /** Called when the file's turn has come; if it rejects, nothing is decoded. */
  readonly beforeDecoding: () => Promise<void>;
}

export interface Previewable {
  readonly path: string;
  /** The first bytes of the file. */
  readonly head: Buffer;
  /** The type detected from the bytes. */
  readonly type: string;
  /** If true, the file can be downloaded again, so a busy decoder may fail with `media.busy`. */
  readonly canRefetch?: boolean | undefined;
  readonly suspicion?: Suspicion | undefined;
}

/**
 * Makes the best possible previews of a file. A file without previews is still kept. Rejects only for a file
 * that can be downloaded again: with `media.busy` if it cannot wait for a decoder, or if a decoder failed in
 * a way that says nothing about the file.
 */
export type MakePreviews = (file: Previewable) => Promise<PreviewResult>;

/** Turns a picture into previews, in this process or in the isolated one. */
type Decode = (input: string | Buffer, hdr?: HdrColours) => Promise<PreviewResult>;

/** Each waiting file occupies a job; slow hostile files must not occupy all of them. */
const maxQueued = 16;

/** The warning for each decoder error that says something about the file. */
const warningsByError: ReadonlyMap<ErrorCode, WarningCode> = new Map([
  ['media.undecodable', 'media.damaged'],
  ['media.crashed', 'media.damaged'],
  ['media.too_many_pixels', 'media.too_many_pixels'],
]);

export function createMakePreviews(options: PreviewOptions): MakePreviews {
  const decoders = createDecoders(options);
  const previewFile = createFilePreview(options, decoders);
  const preview = (file: Previewable): Promise<PreviewResult> => {
    const { suspicion } = file;
    if (!suspicion)
      return previewFile(file, isTranslated(file.type) ? decoders.queueIsolated : decoders.decode);
    return decoders.isolatedLimit(async () => {
      await suspicion.beforeDecoding();
      return previewFile(file, decoders.decodeIsolated);
    });
  };
  return async (file) => {
    if (!hasDecoder(file.type))
      return canHavePreviews(file.type) ? withoutDecoder(`there is no decoder for ${file.type}`) : noPreviews;
    try {
      return await preview(file);
    } catch (error) {
      return resultOfFailure(file, error);
    }
  };
}

/** The ways to decode a picture. */
interface Decoders {
  /** The isolated process takes one file at a time. */
  readonly isolatedLimit: Limit;
  /** Decodes in the isolated process, for a caller that occupies it. */
  readonly decodeIsolated: Decode;
  /** Decodes in the isolated process, which has more memory and a longer timeout. */
  readonly queueIsolated: Decode;
  /**
   * Retries a refused picture in the isolated process. If it crashes that process, the first error counts.
   */
  readonly retryIsolated: (
    error: unknown,
    input: string | Buffer,
    hdr?: HdrColours,
  ) => Promise<PreviewResult>;
  /** Decodes in this process if possible. */
  readonly decode: Decode;
}

function createDecoders({ images, isolated, decoders, stopSignal }: PreviewOptions): Decoders {
  const pictureLimit = createLimit(decoders, { stopSignal });
  // With two files in the isolated process, it would be unclear which one killed it, and each may need a lot
  // of memory.
  const isolatedLimit = createLimit(1, { stopSignal });
  // Files without a suspicion against them do not keep suspicious files waiting for long.
  const secondOpinionLimit = createLimit(maxQueued, { maxQueued: 0, stopSignal });
  const decodeIsolated: Decode = (input, hdr) => isolated.preview(input, hdr);
  const queueIsolated: Decode = (input, hdr) =>
    secondOpinionLimit(() => isolatedLimit(() => decodeIsolated(input, hdr)));
  const retryIsolated: Decoders['retryIsolated'] = async (first, input, hdr) => {
    if (!(first instanceof AppError) || !warningsByError.has(first.code)) throw first;
    try {
      return await queueIsolated(input, hdr);
    } catch (second) {
      throw second instanceof AppError && second.code === 'media.crashed' ? first : second;
    }
  };
  const decode: Decode = async (input, hdr) => {
    if (hdr) return queueIsolated(input, hdr);
    // A file is the stored one; bytes come from another decoder.
    const isStoredFile = typeof input === 'string';
    try {
      return resultOf(await pictureLimit(() => images.preview(input, { isStoredFile })));
    } catch (error) {
      return retryIsolated(error, input);
    }
  };
  return { isolatedLimit, decodeIsolated, queueIsolated, retryIsolated, decode };
}

/** Returns a function that makes the previews of a file; `by` decodes what another decoder has made of it. */
function createFilePreview(
  { decodeHeic, grabFrame, stopSignal }: PreviewOptions,
  { retryIsolated }: Pick<Decoders, 'retryIsolated'>,
): (file: Previewable, by: Decode) => Promise<PreviewResult> {
  // Separate processes and threads for hostile input have limits of their own, so only one of each runs.
  const heicLimit = createLimit(1, { maxQueued, stopSignal });
  const videoLimit = createLimit(1, { maxQueued, stopSignal });
  // The output of another decoder, made from hostile bytes, is treated like any other picture.
  const previewHeic = async ({ path, head }: Previewable, by: Decode): Promise<PreviewResult> => {
    const { tiff, ...size } = await heicLimit(() => decodeHeic(path));
    const { pictures, warnings } = await by(Buffer.from(tiff.buffer), hdrOf(head));
    // The size of the decoded picture is the reduced one, so the original size replaces it.
    return { pictures: pictures && { ...pictures, ...size }, warnings };
  };
  /** Handles a HEIC picture that needs more memory than a thread of the service may have. */
  const previewLargeHeic = (file: Previewable, error: unknown): Promise<PreviewResult> => {
    const isLarge = error instanceof AppError && error.code === 'media.too_many_pixels';
    // A suspicious file already occupies the isolated process.
    if (!isLarge || file.suspicion) throw error;
    return retryIsolated(error, file.path, hdrOf(file.head));
  };
  const previewVideo = async (path: string, type: string, by: Decode): Promise<PreviewResult> => {
    if (!grabFrame) return noPreviews;
    const frame = await videoLimit(() => grabFrame(path, type));
    if (frame === 'out of time') return postponed;
    if (!frame) return withoutDecoder('no frame of the video could be decoded');
    return by(frame.picture, frame.hdr);
  };
  return (file, by) => {
    const { path, type, head } = file;
    if (isHeic(type)) return previewHeic(file, by).catch((error: unknown) => previewLargeHeic(file, error));
    if (isVideoContainer(type)) return previewVideo(path, type, by);
    return by(path, hdrOf(head));
  };
}

/**
 * Whether a file of this type has either previews or a known reason for their absence once it was processed.
 */
export function canHavePreviews(type: string): boolean {
  return type.startsWith('image/') || hasDecoder(type);
}

/** Formats that are converted to others first, in the isolated process. */
const translatedTypes: ReadonlySet<string> = new Set(['image/bmp', 'image/x-icon', 'application/pdf']);

function isTranslated(type: string): boolean {
  return translatedTypes.has(type);
}

function hasDecoder(type: string): boolean {
  return isDecodable(type) || isTranslated(type) || isHeic(type) || isVideoContainer(type);
}

const noPreviews: PreviewResult = { pictures: undefined, warnings: [] };

/** Says nothing about the file, so the file is stored without waiting. */
const postponed: PreviewResult = {
  pictures: undefined,
  warnings: [{ code: 'media.not_previewed', message: 'no decoder has been free for this file yet' }],
};

function resultOf(pictures: Previewed): PreviewResult {
  return { pictures, warnings: [] };
}

function withoutDecoder(message: string): PreviewResult {
  return { pictures: undefined, warnings: [{ code: 'media.no_decoder', message }] };
}

/** The result for a file that could not be decoded. */
function resultOfFailure({ canRefetch = false }: Previewable, error: unknown): PreviewResult {
  const code = error instanceof AppError ? warningsByError.get(error.code) : undefined;
  if (error instanceof AppError && code !== undefined)
    return { pictures: undefined, warnings: [{ code, message: error.message }] };
  if (canRefetch) throw error;
  // Storing the file matters more than its previews.
  return postponed;
}
