/** Which decoder makes the previews of which bytes, and how many of each are at work. */
import { AppError } from '../domain/errors.js';
import { isDecodable, isHeic } from '../domain/media.js';
import type { MediaKind } from '../domain/provider.js';
import type { HeicDecoder } from '../infra/heic.js';
import type { ImageDecoder, Previewed } from '../infra/images.js';
import { isVideoContainer, type FrameGrabber } from '../infra/video-frames.js';
import { createLimit } from './concurrency.js';

export interface PreviewOptions {
  readonly images: Pick<ImageDecoder, 'preview'>;
  readonly decodeHeic: HeicDecoder;
  /** Undefined where there is no ffmpeg: videos have no previews then. */
  readonly grabFrame: FrameGrabber | undefined;
  /** How many pictures are decoded at once. */
  readonly decoders: number | (() => number);
}

export interface Previewable {
  readonly path: string;
  /** As the bytes say. */
  readonly type: string;
  readonly kind: MediaKind;
  /** Whether `media.busy` may be the answer. */
  readonly comesBack?: boolean | undefined;
  /** Called when it is its turn; nothing is decoded when it rejects. */
  readonly beforeDecoding?: (() => Promise<void>) | undefined;
}

/**
 * The previews of a file; undefined for what has none. Rejects with a media error when a picture cannot be decoded that was
 * sent as one, and with `media.busy` when too many wait for a slow decoder.
 */
export type MakePreviews = (file: Previewable) => Promise<Previewed | undefined>;

/** Few, since each holds the job of a media: hostile files that use up their time may not hold them all. */
const mostWaiting = 16;

export function createMakePreviews(options: PreviewOptions): MakePreviews {
  const { images, decodeHeic, grabFrame } = options;
  const forPictures = createLimit(options.decoders);
  // What strangers' processes and threads need is bounded for each of them, so only one of them runs.
  const [forHeic, forVideos] = [createLimit(1, mostWaiting), createLimit(1, mostWaiting)];

  const ofPicture = ({ path, beforeDecoding }: Previewable): Promise<Previewed> =>
    forPictures(async () => {
      await beforeDecoding?.();
      return images.preview(path);
    });
  /** What another decoder has made of hostile bytes is a picture like any other. */
  const ofDecoded = (bytes: Buffer): Promise<Previewed> => forPictures(() => images.preview(bytes));

  const ofHeic = async ({ path, beforeDecoding }: Previewable): Promise<Previewed> => {
    const { tiff, ...size } = await forHeic(async () => {
      await beforeDecoding?.();
      return decodeHeic(path);
    });
    // Its own size is the reduced one.
    return { ...(await ofDecoded(Buffer.from(tiff.buffer))), ...size };
  };

  const ofVideo = async ({ path, type, beforeDecoding }: Previewable): Promise<Previewed | undefined> => {
    if (!grabFrame) return undefined;
    const frame = await forVideos(async () => {
      await beforeDecoding?.();
      return grabFrame(path, type);
    });
    return frame && ofDecoded(frame);
  };

  return async (file) => {
    const { type, kind, comesBack = false } = file;
    /** The file is kept all the same. */
    const without = (error: unknown): undefined => {
      if (comesBack && error instanceof AppError && error.code === 'media.busy') throw error;
    };
    if (isHeic(type)) return ofHeic(file).catch(without);
    if (isVideoContainer(type)) return ofVideo(file).catch(without);
    if (!isDecodable(type)) return undefined;
    // A broken picture that was sent as a file is still that file.
    return kind === 'document' ? ofPicture(file).catch(without) : ofPicture(file);
  };
}
