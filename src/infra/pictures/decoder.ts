/** The only importer of sharp: turns hostile pictures into small clean ones. */
import sharp, { type Metadata, type OutputInfo, type ResizeOptions, type Sharp } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';

import { AppError } from '../../domain/errors.js';
import { previewEdge, type Preview } from '../../domain/media.js';
import { withMissingEnd } from './cut-files.js';
import { coloursOf, fitPicture, type Colours, type FitTarget } from './fit.js';
import { toneMapped, type HdrColours } from './hdr.js';
import { withoutInterlacing } from './interlaced-png.js';
import { createMemoryBudget, decodedBytes, passesOf } from './memory.js';
import type { RawPicture } from './tiff.js';

export interface MadePreview extends Preview {
  readonly data: Buffer;
}

export interface Previewed {
  readonly width: number;
  readonly height: number;
  readonly thumbhash: string;
  readonly previews: readonly MadePreview[];
}

export interface ImageDecoder {
  /**
   * Makes the previews of a picture in a file or in memory. Rejects with `media.undecodable` or
   * `media.too_many_pixels`.
   */
  readonly preview: (input: string | Buffer) => Promise<Previewed>;
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

/** Thumbhash uses at most 100x100 pixels; fewer do not change its result noticeably but cost less. */
const thumbhashEdge = 64;

/**
 * The memory of all decoders together for pictures that are decoded as a whole, and thus the limit for one of
 * them.
 */
const maxTotalDecodedBytes = 104_000_000;
/** JPEG encoders write about ten passes. */
const maxPasses = 100;

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
   * accepted.
   */
  readonly failOn: 'error' | 'none';
}

export function createImageDecoder(options: ImageDecoderOptions): ImageDecoder {
  // The cache would keep decoded pictures that are never used again. Each picture gets one thread: decoding
  // as many pictures as there are cores side by side costs less than splitting each.
  sharp.cache(false);
  sharp.concurrency(1);
  const open = ({ input, failOn }: Source): Sharp =>
    // Only one page is decoded, so a bomb of frames is never expanded.
    sharp(input, { limitInputPixels: options.maxPixels, failOn, pages: 1, sequentialRead: true });

  const budget = Math.max(options.maxDecodedBytes ?? maxTotalDecodedBytes, options.maxPixels);
  const inBudget = createMemoryBudget(budget);
  /** Nothing is decoded before the head of the picture shows that it may be. */
  const withinLimits = async <T>(source: Source, work: (metadata: Metadata) => Promise<T>): Promise<T> => {
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
  };

  const decoding = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      const message = cause instanceof Error ? cause.message : '';
      throw /pixel limit|exceeds.*limit/i.test(message)
        ? new AppError(
            'media.too_many_pixels',
            `the picture has more than ${String(options.maxPixels)} pixels`,
            { cause },
          )
        : new AppError('media.undecodable', 'the picture cannot be decoded', { cause });
    }
  };

  const preview = (source: Source): Promise<Previewed> =>
    decoding(withinLimits(source, (metadata) => makePreviews(open(source), metadata)));
  return {
    preview: (input) => preview({ input, failOn: 'error' }),
    rescue: async (bytes) => {
      try {
        return await preview({ input: withMissingEnd(bytes) ?? bytes, failOn: 'none' });
      } catch (error) {
        const input = await withoutInterlacing(bytes);
        if (!input) throw error;
        return preview({ input, failOn: 'none' });
      }
    },
    toneMap: (bytes, colours) => {
      const source: Source = { input: bytes, failOn: 'none' };
      return decoding(withinLimits(source, (metadata) => makeToned(open(source), { metadata, colours })));
    },
    pixels: (bytes) => {
      const source: Source = { input: bytes, failOn: 'none' };
      return decoding(withinLimits(source, () => pixelsOf(open(source))));
    },
    colours: (path) => decoding(coloursOf(open({ input: path, failOn: 'none' }))),
    fit: (input, target) => {
      const source: Source = { input, failOn: 'error' };
      return decoding(withinLimits(source, () => fitPicture(() => open(source), target)));
    },
  };
}

async function makePreviews(picture: Sharp, { autoOrient, hasAlpha }: Metadata): Promise<Previewed> {
  const upright = picture.autoOrient().toColourspace('srgb').resize(fit(previewEdge.large));
  // WebP of this size takes 80 ms and JPEG 12, so only pictures with transparency become WebP.
  const large = await encode(
    hasAlpha ? upright.webp({ quality: 80, effort: 2 }) : upright.jpeg({ quality: 80 }),
  );
  // The picture itself is decoded once, and the rest is made from the large preview, whose decoder reads a
  // quarter of the size at a sixteenth of the cost. Pixels of the full size never become a JavaScript buffer,
  // which would trigger the garbage collector every few pictures (measured: a fifth of all time).
  const small = await sharp(large.data)
    .resize(fit(previewEdge.small))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [webp, thumbhash] = await Promise.all([
    encode(pixels(small).webp({ quality: 75, effort: 2 })),
    thumbhashOf(small),
  ]);
  return {
    width: autoOrient.width,
    height: autoOrient.height,
    thumbhash,
    previews: [
      {
        size: 'small',
        type: 'image/webp',
        width: webp.info.width,
        height: webp.info.height,
        data: webp.data,
      },
      {
        size: 'large',
        type: hasAlpha ? 'image/webp' : 'image/jpeg',
        width: large.info.width,
        height: large.info.height,
        data: large.data,
      },
    ],
  };
}

async function makeToned(
  picture: Sharp,
  { metadata, colours }: { readonly metadata: Metadata; readonly colours: HdrColours },
): Promise<Previewed> {
  const { data, info } = await picture
    .autoOrient()
    .toColourspace('rgb16')
    .removeAlpha()
    .resize(fit(previewEdge.large))
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const { width, height } = info;
  const toned = sharp(toneMapped(values, colours), { raw: { width, height, channels: 3 } });
  // The size of the decoded picture is the reduced one.
  return makePreviews(toned, { ...metadata, hasAlpha: false });
}

async function pixelsOf(picture: Sharp): ReturnType<ImageDecoder['pixels']> {
  const { data, info } = await picture.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels === 4 ? 4 : 3, pixels: data };
}

function encode(pipeline: Sharp): Promise<Encoded> {
  return pipeline.toBuffer({ resolveWithObject: true });
}

interface Encoded {
  readonly data: Buffer;
  readonly info: OutputInfo;
}

function fit(edge: number): ResizeOptions {
  return { width: edge, height: edge, fit: 'inside', withoutEnlargement: true };
}

function pixels({ data, info: { width, height, channels } }: Encoded): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

async function thumbhashOf(small: Encoded): Promise<string> {
  const { data, info } = await pixels(small)
    .resize(fit(thumbhashEdge))
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return Buffer.from(rgbaToThumbHash(info.width, info.height, data)).toString('base64');
}
