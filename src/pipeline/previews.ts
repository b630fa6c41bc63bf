/** Which decoder makes the previews of which bytes, and how many of each are at work. */
import { AppError } from '../domain/errors.js';
import { isDecodable, isHeic } from '../domain/media.js';
import type { MediaKind } from '../domain/provider.js';
import type { HeicDecoder } from '../infra/heic.js';
import type { ImageDecoder, Previewed } from '../infra/images.js';
import { createLimit } from './concurrency.js';

export interface PreviewOptions {
  readonly images: Pick<ImageDecoder, 'preview'>;
  readonly decodeHeic: HeicDecoder;
  /** How many pictures are decoded at once: as many as there are cores. */
  readonly decoders: number;
}

export interface Previewable {
  readonly path: string;
  /** As the bytes say. */
  readonly type: string;
  readonly kind: MediaKind;
}

/**
 * The previews of a file; undefined for what has none. Rejects with a media error when a picture cannot be decoded that was
 * sent as one, and with `media.busy` when too many wait for a slow decoder.
 */
export type MakePreviews = (file: Previewable) => Promise<Previewed | undefined>;

/** Few, since each holds the job of a media: hostile files that use up their time may not hold them all. */
const mostWaiting = 16;

export function createMakePreviews({ images, decodeHeic, decoders }: PreviewOptions): MakePreviews {
  const forPictures = createLimit(decoders);
  const forHeic = createLimit(1, mostWaiting);

  const ofPicture = ({ path }: Previewable) => forPictures(() => images.preview(path));

  const ofHeic = async ({ path }: Previewable): Promise<Previewed> => {
    const { tiff, ...size } = await forHeic(() => decodeHeic(path));
    // What another decoder has made of hostile bytes is a picture like any other. Its own size is the reduced one.
    return { ...(await forPictures(() => images.preview(Buffer.from(tiff.buffer)))), ...size };
  };

  return async (file) => {
    if (isHeic(file.type)) return ofHeic(file).catch(without);
    if (!isDecodable(file.type)) return undefined;
    // A broken picture that was sent as a file is still that file.
    return file.kind === 'document' ? ofPicture(file).catch(without) : ofPicture(file);
  };
}

/** The file is kept all the same. */
function without(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'media.busy') throw error;
  return undefined;
}
