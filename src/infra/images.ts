/** The only importer of sharp: hostile pictures in, small clean pictures out. */
import sharp, { type Metadata, type OutputInfo, type ResizeOptions, type Sharp } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';

import { AppError } from '../domain/errors.js';
import { previewEdge, type Preview } from '../domain/media.js';
import { coloursOf, fitPicture, type Colours, type FitTarget } from './images-fit.js';
import { createMemoryBudget, heldBytes, passesOf } from './images-memory.js';

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
  /** What a picture in a file is like. Rejects as well. */
  readonly colours: (path: string) => Promise<Colours>;
  /** The picture in a file, converted; undefined when it cannot be made so small. Rejects as well. */
  readonly fit: (path: string, target: FitTarget) => Promise<Buffer | undefined>;
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

/** What all decoders together may hold of pictures that are decoded as a whole, and so what one of those may need. */
const heldAtOnce = 128_000_000;
/** Writers of JPEG make some ten. */
const mostPasses = 100;

/** Who raises `maxPixels` beyond that gives a byte of memory for each. */
export function createImageDecoder(options: { readonly maxPixels: number }): ImageDecoder {
  // The cache keeps decoded pictures for reuse that never comes here. One thread for each picture: as many pictures
  // as there are cores are decoded side by side, which costs less than splitting each.
  sharp.cache(false);
  sharp.concurrency(1);
  const open = (input: string | Buffer): Sharp =>
    // One page only: a bomb of frames is never unrolled. `error`: a truncated or corrupt picture is refused, one with
    // harmless oddities (as many phones write) is not.
    sharp(input, { limitInputPixels: options.maxPixels, failOn: 'error', pages: 1, sequentialRead: true });

  const budget = Math.max(heldAtOnce, options.maxPixels);
  const inBudget = createMemoryBudget(budget);
  /** Nothing of a picture is decoded before its head says that it may be. */
  const bounded = async <T>(input: string | Buffer, work: (metadata: Metadata) => Promise<T>): Promise<T> => {
    const metadata = await open(input).metadata();
    const held = heldBytes(metadata);
    if (held > budget)
      throw new AppError(
        'media.too_many_pixels',
        `decoding it would take ${String(Math.ceil(held / 1e6))} MB`,
      );
    if (metadata.format === 'jpeg' && metadata.isProgressive && (await passesOf(input)) > mostPasses)
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

  return {
    preview: (input) => decoding(bounded(input, (metadata) => makePreviews(open(input), metadata))),
    colours: (path) => decoding(coloursOf(open(path))),
    fit: (path, target) => decoding(bounded(path, () => fitPicture(() => open(path), target))),
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
        ...{ size: 'large', type: hasAlpha ? 'image/webp' : 'image/jpeg' },
        ...{ width: large.info.width, height: large.info.height, data: large.data },
      },
    ],
  };
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
