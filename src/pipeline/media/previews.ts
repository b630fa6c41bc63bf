/** Which decoder makes the previews of which bytes, and how many of each are at work. */
import { AppError, type ErrorCode } from '../../domain/errors.js';
import { isDecodable, isHeic, type WarningCode } from '../../domain/media.js';
import type { ImageDecoder, Previewed } from '../../infra/pictures/decoder.js';
import { hdrOf, type HdrColours } from '../../infra/pictures/hdr.js';
import type { HeicDecoder } from '../../infra/pictures/heic.js';
import type { IsolatedDecoder, Looked } from '../../infra/pictures/isolated-decoder.js';
import { isVideoContainer, type FrameGrabber } from '../../infra/pictures/video-frames.js';
import { createLimit } from '../concurrency.js';

export interface PreviewOptions {
  readonly images: Pick<ImageDecoder, 'preview'>;
  /** Where a picture may do as it likes. */
  readonly isolated: Pick<IsolatedDecoder, 'preview'>;
  readonly decodeHeic: HeicDecoder;
  /** Undefined where there is no ffmpeg: videos have no previews then. */
  readonly grabFrame: FrameGrabber | undefined;
  /** How many pictures are decoded at once. */
  readonly decoders: number | (() => number);
  /** Once it is aborted nobody waits for a decoder any more. */
  readonly lastCall?: AbortSignal;
}

/** A process had the file in its hands when it died. */
export interface Suspicion {
  /** Called when it is the file's turn; nothing is decoded when it rejects. */
  readonly beforeDecoding: () => Promise<void>;
}

export interface Previewable {
  readonly path: string;
  /** Its first bytes. */
  readonly head: Buffer;
  /** As the bytes say. */
  readonly type: string;
  /** Whether it can be had again, so that the answer may be to come back. */
  readonly comesBack?: boolean | undefined;
  readonly suspicion?: Suspicion | undefined;
}

/**
 * The previews of a file, as good as they can be made; that there are none is no reason not to keep it. Rejects for a file that comes back
 * when it may not wait for a decoder (`media.busy`), or a decoder failed in a way that says nothing of the file.
 */
export type MakePreviews = (file: Previewable) => Promise<Looked>;

/** How a picture becomes previews: here, or in a process of its own. */
type Decode = (input: string | Buffer, hdr?: HdrColours) => Promise<Looked>;

/** Few, since each holds the job of a media: hostile files that use up their time may not hold them all. */
const most = 16;

/** What a decoder's failure says of the file. */
const meanings: ReadonlyMap<ErrorCode, WarningCode> = new Map([
  ['media.undecodable', 'media.damaged'],
  ['media.crashed', 'media.damaged'],
  ['media.too_many_pixels', 'media.too_many_pixels'],
]);

export function createMakePreviews(options: PreviewOptions): MakePreviews {
  const { images, isolated, decodeHeic, grabFrame, lastCall: until } = options;
  const forPictures = createLimit(options.decoders, { until });
  // One at a time: with two, nobody could tell which one it was, and each may need a lot of memory.
  const forIsolated = createLimit(1, { until });
  // Those that nothing speaks against but themselves do not keep suspects waiting for long.
  const admitted = createLimit(most, { most: 0, until });
  // What strangers' processes and threads need is bounded for each of them, so only one of them runs.
  const forHeic = createLimit(1, { most, until });
  const forVideos = createLimit(1, { most, until });

  const decodeHere: Decode = async (input) => seen(await forPictures(() => images.preview(input)));
  const decodeApart: Decode = (input, hdr) => isolated.preview(input, hdr);
  /** Where it can do no harm, with more memory and patience. */
  const queueApart: Decode = (input, hdr) => admitted(() => forIsolated(() => decodeApart(input, hdr)));
  /** A second opinion on a picture that was refused. Where that takes too much of its process, the first one counts. */
  const queueAfter = async (first: unknown, input: string | Buffer, hdr?: HdrColours): Promise<Looked> => {
    if (!(first instanceof AppError) || !meanings.has(first.code)) throw first;
    try {
      return await queueApart(input, hdr);
    } catch (second) {
      throw second instanceof AppError && second.code === 'media.crashed' ? first : second;
    }
  };
  const decode: Decode = async (input, hdr) => {
    if (hdr) return queueApart(input, hdr);
    try {
      return await decodeHere(input);
    } catch (error) {
      return queueAfter(error, input);
    }
  };

  // What another decoder has made of hostile bytes is a picture like any other.
  const ofHeic = async ({ path, head }: Previewable, by: Decode): Promise<Looked> => {
    const { tiff, ...size } = await forHeic(() => decodeHeic(path));
    const { pictures, warnings } = await by(Buffer.from(tiff.buffer), hdrOf(head));
    // Its own size is the reduced one.
    return { pictures: pictures && { ...pictures, ...size }, warnings };
  };
  /** One that takes more memory than a thread of the service may have. */
  const ofLargeHeic = (file: Previewable, error: unknown): Promise<Looked> => {
    const isLarge = error instanceof AppError && error.code === 'media.too_many_pixels';
    // The process that decodes suspects is taken by this one already.
    if (!isLarge || file.suspicion) throw error;
    return queueAfter(error, file.path, hdrOf(file.head));
  };
  const ofVideo = async (path: string, type: string, by: Decode): Promise<Looked> => {
    if (!grabFrame) return nothing;
    const frame = await forVideos(() => grabFrame(path, type));
    if (frame === 'out of time') return notYet;
    if (!frame) return undecoded('no frame of the video can be decoded here');
    return by(frame.picture, frame.hdr);
  };
  const ofFile = (file: Previewable, by: Decode): Promise<Looked> => {
    const { path, type, head } = file;
    if (isHeic(type)) return ofHeic(file, by).catch((error: unknown) => ofLargeHeic(file, error));
    if (isVideoContainer(type)) return ofVideo(path, type, by);
    return by(path, hdrOf(head));
  };
  const ofSuspect = (file: Previewable, { beforeDecoding }: Suspicion): Promise<Looked> =>
    forIsolated(async () => {
      await beforeDecoding();
      return ofFile(file, decodeApart);
    });
  const look = (file: Previewable): Promise<Looked> => {
    if (file.suspicion) return ofSuspect(file, file.suspicion);
    return ofFile(file, isTranslated(file.type) ? queueApart : decode);
  };

  return async (file) => {
    if (!hasDecoder(file.type))
      return isShown(file.type) ? undecoded(`nothing here decodes ${file.type}`) : nothing;
    try {
      return await look(file);
    } catch (error) {
      return lookedInVain(file, error);
    }
  };
}

/** Whether the previews of such a file, or the reason why there are none, are known once it was looked at. */
export function isShown(type: string): boolean {
  return type.startsWith('image/') || hasDecoder(type);
}

/** Formats that are translated into others, in a process of its own. */
const translatedTypes: ReadonlySet<string> = new Set(['image/bmp', 'image/x-icon', 'application/pdf']);

function isTranslated(type: string): boolean {
  return translatedTypes.has(type);
}

function hasDecoder(type: string): boolean {
  return isDecodable(type) || isTranslated(type) || isHeic(type) || isVideoContainer(type);
}

const nothing: Looked = { pictures: undefined, warnings: [] };

/** Says nothing of the file, and is no reason to have its bytes wait. */
const notYet: Looked = {
  pictures: undefined,
  warnings: [{ code: 'media.not_previewed', message: 'no decoder had time for it so far' }],
};

function seen(pictures: Previewed): Looked {
  return { pictures, warnings: [] };
}

function undecoded(message: string): Looked {
  return { pictures: undefined, warnings: [{ code: 'media.no_decoder', message }] };
}

/** What is known of a file that no decoder could show. */
function lookedInVain({ comesBack = false }: Previewable, error: unknown): Looked {
  const code = error instanceof AppError ? meanings.get(error.code) : undefined;
  if (error instanceof AppError && code !== undefined)
    return { pictures: undefined, warnings: [{ code, message: error.message }] };
  if (comesBack) throw error;
  // The bytes are more important than the previews.
  return notYet;
}
