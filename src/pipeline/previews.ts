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
  /** Where a picture may do as it likes. */
  readonly isolated: Pick<ImageDecoder, 'preview'>;
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
  /** As the bytes say. */
  readonly type: string;
  readonly kind: MediaKind;
  /** Whether `media.busy` may be the answer. */
  readonly comesBack?: boolean | undefined;
  readonly suspicion?: Suspicion | undefined;
}

/**
 * The previews of a file; undefined for what has none. Rejects with a media error when a picture cannot be decoded that was
 * sent as one, and with `media.busy` when it may not wait for a decoder.
 */
export type MakePreviews = (file: Previewable) => Promise<Previewed | undefined>;

type Decode = ImageDecoder['preview'];

/** Few, since each holds the job of a media: hostile files that use up their time may not hold them all. */
const most = 16;

export function createMakePreviews(options: PreviewOptions): MakePreviews {
  const { images, isolated, decodeHeic, grabFrame, lastCall: until } = options;
  const forPictures = createLimit(options.decoders, { until });
  // One at a time: with two, nobody could tell which one it was.
  const forSuspects = createLimit(1, { until });
  // What strangers' processes and threads need is bounded for each of them, so only one of them runs.
  const [forHeic, forVideos] = [createLimit(1, { most, until }), createLimit(1, { most, until })];
  const decode: Decode = (input) => forPictures(() => images.preview(input));

  // What another decoder has made of hostile bytes is a picture like any other.
  const ofHeic = async (path: string, by: Decode): Promise<Previewed> => {
    const { tiff, ...size } = await forHeic(() => decodeHeic(path));
    // Its own size is the reduced one.
    return { ...(await by(Buffer.from(tiff.buffer))), ...size };
  };
  const ofVideo = async (path: string, type: string, by: Decode): Promise<Previewed | undefined> => {
    const frame = grabFrame && (await forVideos(() => grabFrame(path, type)));
    return frame && by(frame);
  };
  const ofFile = ({ path, type }: Previewable, by: Decode): Promise<Previewed | undefined> => {
    if (isHeic(type)) return ofHeic(path, by);
    return isVideoContainer(type) ? ofVideo(path, type, by) : by(path);
  };
  const ofSuspect = (file: Previewable, { beforeDecoding }: Suspicion): Promise<Previewed | undefined> =>
    forSuspects(async () => {
      await beforeDecoding();
      return ofFile(file, isolated.preview);
    });

  return async (file) => {
    if (!hasPreviews(file.type)) return undefined;
    try {
      return await (file.suspicion ? ofSuspect(file, file.suspicion) : ofFile(file, decode));
    } catch (error) {
      if (mayGoWithout(file, error)) return undefined;
      throw error;
    }
  };
}

const hasPreviews = (type: string): boolean => isDecodable(type) || isHeic(type) || isVideoContainer(type);

/** Whether a file is kept though it has no previews: a broken picture that was sent as a document is still that document. */
function mayGoWithout({ type, kind, comesBack = false }: Previewable, error: unknown): boolean {
  if (comesBack && error instanceof AppError && error.code === 'media.busy') return false;
  return kind === 'document' || !isDecodable(type);
}
