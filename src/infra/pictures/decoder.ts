/** The only importer of sharp: hostile pictures in, small clean pictures out. */
import sharp, { type Metadata, type OutputInfo, type ResizeOptions, type Sharp } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';

import { AppError } from '../../domain/errors.js';
import { previewEdge, type Preview } from '../../domain/media.js';
import { filledUp } from './cut-files.js';
import { coloursOf, fitPicture, type Colours, type FitTarget } from './fit.js';
import { toneMapped, type HdrColours } from './hdr.js';
import { withoutInterlacing } from './interlaced-png.js';
import { createMemoryBudget, heldBytes, passesOf } from './memory.js';
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
  /** Makes the previews of a picture in a file or in memory. Rejects with `media.undecodable` or `media.too_many_pixels`. */
  readonly preview: (input: string | Buffer) => Promise<Previewed>;
  /** The same of a picture that is damaged: what is missing is black or grey. Rejects when there is nothing to be seen. */
  readonly rescue: (bytes: Buffer) => Promise<Previewed>;
  /** The previews of a picture with a high dynamic range, as sRGB. Rejects as well. */
  readonly toned: (bytes: Buffer, colours: HdrColours) => Promise<Previewed>;
  /** The pixels of a picture in memory, 8 bits each; missing ones are black or grey. Rejects as well. */
  readonly pixels: (bytes: Buffer) => Promise<Pick<RawPicture, 'width' | 'height' | 'channels' | 'pixels'>>;
  /** What a picture in a file is like. Rejects as well. */
  readonly colours: (path: string) => Promise<Colours>;
  /** The picture in a file or in memory, converted; undefined when it cannot be made so small. Rejects as well. */
  readonly fit: (input: string | Buffer, target: FitTarget) => Promise<Buffer | undefined>;
}

/** The loaders of raster formats; every other one of libvips (SVG, PDF, ImageMagick …) stays out of reach. */
const rasterLoaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'];

/** Shuts all decoders but those for raster images, for the whole process. Called once, when the process starts. */
export function shutForeignDecoders(): void {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: rasterLoaders.map((name) => `VipsForeignLoad${name}`) });
}

/** Thumbhash looks at no more than 100x100; its result does not change noticeably with fewer, its cost does. */
const thumbhashEdge = 64;

/** What all decoders of the service together may hold of pictures that are decoded as a whole, and so what one of those may need. */
const heldAtOnce = 128_000_000;
/** Writers of JPEG make some ten. */
const mostPasses = 100;

export interface ImageDecoderOptions {
  /** Who raises it beyond `heldBytes` gives a byte of memory for each. */
  readonly maxPixels: number;
  /** What may be held of pictures that are decoded as a whole. */
  readonly heldBytes?: number;
}

interface Source {
  readonly input: string | Buffer;
  /** `error`: a truncated or corrupt picture is refused, one with harmless oddities (as many phones write) is not. */
  readonly failOn: 'error' | 'none';
}

export function createImageDecoder(options: ImageDecoderOptions): ImageDecoder {
  // The cache keeps decoded pictures for reuse that never comes here. One thread for each picture: as many pictures
  // as there are cores are decoded side by side, which costs less than splitting each.
  sharp.cache(false);
  sharp.concurrency(1);
  const open = ({ input, failOn }: Source): Sharp =>
    // One page only: a bomb of frames is never unrolled.
    sharp(input, { limitInputPixels: options.maxPixels, failOn, pages: 1, sequentialRead: true });

  const budget = Math.max(options.heldBytes ?? heldAtOnce, options.maxPixels);
  const inBudget = createMemoryBudget(budget);
  /** Nothing of a picture is decoded before its head says that it may be. */
  const bounded = async <T>(source: Source, work: (metadata: Metadata) => Promise<T>): Promise<T> => {
    const metadata = await open(source).metadata();
    const held = heldBytes(metadata);
    if (held > budget)
      throw new AppError(
        'media.too_many_pixels',
        `decoding it would take ${String(Math.ceil(held / 1e6))} MB`,
      );
    const isProgressiveJpeg = metadata.format === 'jpeg' && metadata.isProgressive;
    if (isProgressiveJpeg && (await passesOf(source.input)) > mostPasses)
      throw new AppError('media.undecodable', `it comes in more than ${String(mostPasses)} passes`);
    return inBudget(held, () => work(metadata));
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
    decoding(bounded(source, (metadata) => makePreviews(open(source), metadata)));
  return {
    preview: (input) => preview({ input, failOn: 'error' }),
    rescue: async (bytes) => {
      try {
        return await preview({ input: filledUp(bytes) ?? bytes, failOn: 'none' });
      } catch (error) {
        const input = await withoutInterlacing(bytes);
        if (!input) throw error;
        return preview({ input, failOn: 'none' });
      }
    },
    toned: (bytes, colours) => {
      const source: Source = { input: bytes, failOn: 'none' };
      return decoding(bounded(source, (metadata) => makeToned(open(source), { metadata, colours })));
    },
    pixels: (bytes) => {
      const source: Source = { input: bytes, failOn: 'none' };
      return decoding(bounded(source, () => pixelsOf(open(source))));
    },
    colours: (path) => decoding(coloursOf(open({ input: path, failOn: 'none' }))),
    fit: (input, target) => {
      const source: Source = { input, failOn: 'error' };
      return decoding(bounded(source, () => fitPicture(() => open(source), target)));
    },
  };
}

async function makePreviews(picture: Sharp, { autoOrient, hasAlpha }: Metadata): Promise<Previewed> {
  const upright = picture.autoOrient().toColourspace('srgb').resize(fit(previewEdge.large));
  // WebP of this size costs 80 ms where JPEG costs 12, so only transparency gets it.
  const large = await encode(
    hasAlpha ? upright.webp({ quality: 80, effort: 2 }) : upright.jpeg({ quality: 80 }),
  );
  // The picture itself is decoded once: the rest is made from the large preview, of which a decoder reads a quarter of
  // the size at a sixteenth of the cost. Pixels of that size never become a JavaScript buffer: they would make the
  // collector run every few pictures (measured: a fifth of all time).
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
  // Its own size is the reduced one.
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
