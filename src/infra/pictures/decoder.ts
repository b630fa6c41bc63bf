/** Turns hostile pictures into small clean ones, within limits of pixels and memory. */
import sharp, { type Metadata, type Sharp } from 'sharp';

import { AppError } from '../../domain/errors.js';
import { createBufferPool, readInto, type BufferPool } from './buffers.js';
import { withMissingEnd } from './cut-files.js';
import { encodePreviews, encodeSmall, encodeToned, type Previewed } from './encode-previews.js';
import { coloursOf, fitPicture, type Colours, type FitTarget } from './fit.js';
import type { HdrColours } from './hdr.js';
import { onCanvas, partialFrame } from './gif.js';
import { withoutInterlacing } from './interlaced-png.js';
import { createMemoryBudget, decodedBytes, maxPasses, passesOf } from './memory.js';
import { fileBufferBytes, findReusable, type ReusablePicture } from './reuse.js';
import type { RawPicture } from './tiff.js';

interface PreviewOptions {
  /**
   * Whether the input is the file that is stored. Only then may parts of it serve as the large preview. False
   * by default.
   */
  readonly isStoredFile?: boolean;
}

export interface ImageDecoder {
  /**
   * Makes the previews of a picture in a file or in memory. Rejects with `media.undecodable` or
   * `media.too_many_pixels`.
   */
  readonly preview: (input: string | Buffer, options?: PreviewOptions) => Promise<Previewed>;
  /** Makes previews of a damaged picture: missing parts are black or grey. Rejects if nothing is visible. */
  readonly rescue: (bytes: Buffer) => Promise<Previewed>;
  /** Makes previews of a picture with a high dynamic range, as sRGB. Rejects like `preview`. */
  readonly toneMap: (bytes: Buffer, colours: HdrColours) => Promise<Previewed>;
  /**
   * The pixels of a picture in memory with 8 bits each; missing ones are black or grey. Rejects like
   * `preview`.
   */
  readonly pixels: (bytes: Buffer) => Promise<Pick<RawPicture, 'width' | 'height' | 'channels' | 'pixels'>>;
  /** The colours of a picture in a file. Rejects like `preview`. */
  readonly colours: (path: string) => Promise<Colours>;
  /**
   * Converts the picture in a file or in memory; undefined if it cannot be made small enough. Rejects like
   * `preview`.
   */
  readonly fit: (input: string | Buffer, target: FitTarget) => Promise<Buffer | undefined>;
}

/** The loaders of raster formats; all others of libvips (SVG, PDF, ImageMagick …) are blocked. */
const rasterLoaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'];

/**
 * Blocks every libvips loader except raster formats, for the whole process. Called once, when the process
 * starts.
 */
export function allowOnlyRasterDecoders(): void {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: rasterLoaders.map((name) => `VipsForeignLoad${name}`) });
}

/**
 * The memory of all decoders together for pictures that are decoded as a whole, and thus the limit for one of
 * them.
 */
const maxTotalDecodedBytes = 104_000_000;

export interface ImageDecoderOptions {
  /** An operator who raises it above `maxDecodedBytes` must provide a byte of memory for each. */
  readonly maxPixels: number;
  /** The limit for pictures that are decoded as a whole. */
  readonly maxDecodedBytes?: number;
}

interface Source {
  readonly input: string | Buffer;
  /**
   * `error`: a truncated or corrupt picture is refused, but harmless oddities, as many phones write them, are
   * accepted. `warning`: these are refused as well.
   */
  readonly failOn: 'warning' | 'error' | 'none';
}

/** Opens pictures within the limits. */
interface Decoding {
  readonly open: (source: Source) => Sharp;
  /** Decodes a picture once its head shows that it may be decoded, and its memory is free. */
  readonly withinLimits: <T>(source: Source, work: (metadata: Metadata) => Promise<T>) => Promise<T>;
  /** Runs a task once this number of bytes is free. */
  readonly inBudget: <T>(bytes: number, task: () => Promise<T>) => Promise<T>;
  /** The cache for small files. */
  readonly buffers: BufferPool;
}

export function createImageDecoder(options: ImageDecoderOptions): ImageDecoder {
  // The cache would keep decoded pictures that are never used again. Each picture gets one thread: decoding
  // as many pictures as there are cores side by side costs less than splitting each.
  sharp.cache(false);
  sharp.concurrency(1);
  const decoding = createDecoding(options);
  const { open, withinLimits, buffers } = decoding;
  const decoded = <T>(source: Source, work: (picture: Sharp, metadata: Metadata) => Promise<T>): Promise<T> =>
    withMediaErrors(
      options,
      withinLimits(source, (metadata) => work(open(source), metadata)),
    );
  const lenient = (bytes: Buffer): Promise<Previewed> =>
    decoded({ input: bytes, failOn: 'none' }, encodePreviews);
  return {
    preview: (input, { isStoredFile = false } = {}) =>
      withBytes(input, buffers, async (picture) => {
        const reused = isStoredFile ? await reusing(picture, decoding) : undefined;
        return reused ?? decoded({ input: picture, failOn: 'error' }, encodeOnCanvas(picture));
      }),
    rescue: async (bytes) => {
      try {
        return await lenient(withMissingEnd(bytes) ?? bytes);
      } catch (error) {
        const complete = await withoutInterlacing(bytes);
        if (!complete) throw error;
        return lenient(complete);
      }
    },
    toneMap: (bytes, colours) =>
      decoded({ input: bytes, failOn: 'none' }, (picture, metadata) =>
        encodeToned(picture, { metadata, colours }),
      ),
    pixels: (bytes) => decoded({ input: bytes, failOn: 'none' }, pixelsOf),
    colours: (path) => withMediaErrors(options, coloursOf(open({ input: path, failOn: 'none' }))),
    fit: (input, target) => {
      const source: Source = { input, failOn: 'error' };
      return decoded(source, () => fitPicture(() => open(source), target));
    },
  };
}

function createDecoding({
  maxPixels,
  maxDecodedBytes = maxTotalDecodedBytes,
}: ImageDecoderOptions): Decoding {
  const open = ({ input, failOn }: Source): Sharp =>
    // Only one page is decoded, so a bomb of frames is never expanded.
    sharp(input, { limitInputPixels: maxPixels, failOn, pages: 1, sequentialRead: true });
  const budget = Math.max(maxDecodedBytes, maxPixels);
  const inBudget = createMemoryBudget(budget);
  return {
    open,
    inBudget,
    buffers: createBufferPool(fileBufferBytes),
    withinLimits: async (source, work) => {
      const metadata = await open(source).metadata();
      const neededBytes = decodedBytes(metadata);
      if (neededBytes > budget)
        throw new AppError(
          'media.too_many_pixels',
          `decoding it would take ${String(Math.ceil(neededBytes / 1e6))} MB`,
        );
      const isProgressiveJpeg = metadata.format === 'jpeg' && metadata.isProgressive;
      if (isProgressiveJpeg && (await passesOf(source.input)) > maxPasses)
        throw new AppError('media.undecodable', `the picture has more than ${String(maxPasses)} passes`);
      return inBudget(neededBytes, () => work(metadata));
    },
  };
}

/** Rejects with a media error if the decoder fails. */
async function withMediaErrors<T>({ maxPixels }: ImageDecoderOptions, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const message = cause instanceof Error ? cause.message : '';
    throw /pixel limit|exceeds.*limit/i.test(message)
      ? new AppError('media.too_many_pixels', `the picture has more than ${String(maxPixels)} pixels`, {
          cause,
        })
      : new AppError('media.undecodable', 'the picture cannot be decoded', { cause });
  }
}

/** Encodes previews; those of a GIF show its whole canvas. */
function encodeOnCanvas(input: string | Buffer): (picture: Sharp, metadata: Metadata) => Promise<Previewed> {
  // Other files are too large to be read for this rare case.
  const partial = Buffer.isBuffer(input) ? partialFrame(input) : undefined;
  if (!partial) return encodePreviews;
  return async (picture, metadata) => {
    const { width, height } = partial.canvas;
    const pixels = await onCanvas(picture, partial);
    const canvas = sharp(pixels, { raw: { width, height, channels: 4 } });
    return encodePreviews(canvas, { ...metadata, autoOrient: partial.canvas, hasAlpha: true });
  };
}

/**
 * Runs a task with the bytes of a small file, which the decoder would read several times, or with its path.
 */
function withBytes<T>(
  input: string | Buffer,
  buffers: BufferPool,
  task: (picture: string | Buffer) => Promise<T>,
): Promise<T> {
  if (Buffer.isBuffer(input)) return task(input);
  return buffers.lend(async (buffer) => task((await readInto(buffer, input)) ?? input));
}

/**
 * The previews of a picture whose own image data are the large one; undefined if they cannot be, or if
 * anything is wrong with them.
 */
async function reusing(input: string | Buffer, decoding: Decoding): Promise<Previewed | undefined> {
  const bytes = Buffer.isBuffer(input) ? input : undefined;
  const reusable = bytes && findReusable(bytes);
  if (!reusable) return undefined;
  const decoded = decodeReusable(bytes, reusable, decoding).catch(() => undefined);
  const [isExact, made] = await Promise.all([decoding.buffers.lend(reusable.isExact), decoded]);
  return isExact ? made : undefined;
}

/** Decodes the whole picture, although in a smaller size, and fails on warnings. */
async function decodeReusable(
  input: Buffer,
  { frame, ranges }: ReusablePicture,
  { open, inBudget }: Decoding,
): Promise<Previewed> {
  const { width, height, isProgressive, components } = frame;
  const neededBytes = decodedBytes({
    format: 'jpeg',
    depth: 'uchar',
    width,
    height,
    isProgressive,
    channels: components.length === 1 ? 1 : 3,
    chromaSubsampling: components[0]?.across === 2 && components[0].down === 2 ? '4:2:0' : '',
  });
  const { small, ...hashes } = await inBudget(neededBytes, () =>
    encodeSmall(open({ input, failOn: 'warning' }), { width, height, hasAlpha: false }),
  );
  const large = { size: 'large', type: 'image/jpeg', width, height, ranges } as const;
  return { width, height, ...hashes, previews: [small, large] };
}

async function pixelsOf(picture: Sharp): ReturnType<ImageDecoder['pixels']> {
  const { data, info } = await picture.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels === 4 ? 4 : 3, pixels: data };
}
