/** Encodes previews: upright, in sRGB, without metadata. */
import sharp, { type Metadata, type OutputInfo, type ResizeOptions, type Sharp } from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';

import { previewEdge, type ByteRange, type Preview } from '../../domain/media.js';
import { toneMapped, type HdrColours } from './hdr.js';
import { perceptualHash } from './perceptual-hash.js';

/** A preview with bytes of its own. */
export interface EncodedPreview extends Preview {
  readonly ranges?: never;
  readonly data: Buffer;
}

/** A preview that consists of parts of the stored file. */
interface ReusedPreview extends Preview {
  readonly ranges: readonly ByteRange[];
}

type MadePreview = EncodedPreview | ReusedPreview;

export interface Previewed {
  /** The displayed size. */
  readonly width: number;
  readonly height: number;
  /** The hash in Base64. */
  readonly thumbhash: string;
  /** 16 hexadecimal digits; null for a picture without contrast. */
  readonly perceptualHash: string | null;
  readonly previews: readonly MadePreview[];
}

/** Codes made for the picture would save 2 % of its bytes, and take 7 ms for a large preview. */
const fastCoding = { optimiseCoding: false } as const;

/** The small and the large preview of a picture, from one decoding. */
export async function encodePreviews(picture: Sharp, metadata: Metadata): Promise<Previewed> {
  const { autoOrient, hasAlpha } = metadata;
  const upright = picture
    .autoOrient()
    .toColourspace('srgb')
    .resize({ ...fitting(largeEdgeOf(metadata)), kernel: 'lanczos2' });
  // Lanczos with three lobes takes 5 ms more than with two, and the difference is not visible at this size.
  // WebP of this size takes 80 ms and JPEG 12, so only pictures with transparency become WebP.
  const large = await encode(
    hasAlpha ? upright.webp({ quality: 80, effort: 2 }) : upright.jpeg({ quality: 80, ...fastCoding }),
  );
  // The picture itself is decoded once, and the rest is made from the large preview. Pixels of the full size
  // never become a JavaScript buffer, which would trigger the garbage collector every few pictures (measured:
  // a fifth of all time).
  const { small, ...hashes } = await encodeSmall(sharp(large.data), { ...large.info, hasAlpha });
  return {
    width: autoOrient.width,
    height: autoOrient.height,
    ...hashes,
    previews: [
      small,
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

/** The previews of a picture with a high dynamic range. */
export async function encodeToned(
  picture: Sharp,
  { metadata, colours }: { readonly metadata: Metadata; readonly colours: HdrColours },
): Promise<Previewed> {
  const { data, info } = await picture
    .autoOrient()
    .toColourspace('rgb16')
    .removeAlpha()
    .resize(fitting(previewEdge.large))
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const { width, height } = info;
  const toned = sharp(toneMapped(values, colours), { raw: { width, height, channels: 3 } });
  // The size of the decoded picture is the reduced one.
  return encodePreviews(toned, { ...metadata, format: 'raw', hasAlpha: false });
}

type Hashes = Pick<Previewed, 'thumbhash' | 'perceptualHash'>;

interface SmallPreview extends Hashes {
  readonly small: EncodedPreview;
}

/** The small preview of a picture that is as large as a large preview. */
export async function encodeSmall(
  picture: Sharp,
  {
    width,
    height,
    hasAlpha,
  }: { readonly width: number; readonly height: number; readonly hasAlpha: boolean },
): Promise<SmallPreview> {
  const reduced = picture.resize(fitting(smallEdgeOf(Math.max(width, height)))).toColourspace('srgb');
  const { data, info } = await encode(
    hasAlpha ? reduced.webp({ quality: 75, effort: 2 }) : reduced.jpeg({ quality: 75, ...fastCoding }),
  );
  const type = hasAlpha ? 'image/webp' : 'image/jpeg';
  return {
    small: { size: 'small', type, width: info.width, height: info.height, data },
    ...(await hashesOf(data)),
  };
}

/** Thumbhash uses at most 100x100 pixels; fewer do not change its result noticeably but cost less. */
const thumbhashEdge = 32;

/** The placeholder of a small preview, and what it looks like. */
async function hashesOf(small: Buffer): Promise<Hashes> {
  const { data, info } = await sharp(small)
    .resize(fitting(thumbhashEdge))
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return {
    thumbhash: Buffer.from(rgbaToThumbHash(width, height, data)).toString('base64'),
    perceptualHash: perceptualHash({ width, height, pixels: data }),
  };
}

/** A large preview may be this small if it costs much less then. */
const minLargeEdge = 1_280;
/** The divisors of the JPEG decoder. It skips half, three quarters or seven eighths of the work. */
const cheapDivisors = [2, 4, 8];

/**
 * The longest edge of the large preview. libvips lets the JPEG decoder divide by 2, 4 or 8 only if the
 * picture is to become more than that much smaller, so a slightly smaller preview may cost half (measured for
 * 12 megapixels: 1 600 pixels 190 ms, 1 333 pixels 85 ms).
 */
function largeEdgeOf({ format, width, height }: Metadata): number {
  const longest = Math.max(width, height);
  const divisor = Math.floor(longest / previewEdge.large);
  const cheapEdge = Math.floor(longest / (divisor + 1));
  const isCheaper = format === 'jpeg' && cheapDivisors.includes(divisor) && cheapEdge >= minLargeEdge;
  return isCheaper ? cheapEdge : previewEdge.large;
}

const minSmallEdge = 400;

/**
 * The longest edge of the small preview: a third of the large one, because the decoder divides by 2 first
 * then. Up to 533 pixels, so that it is sharp on screens of high density.
 */
function smallEdgeOf(longest: number): number {
  return Math.max(minSmallEdge, Math.floor(longest / 3));
}

interface Encoded {
  readonly data: Buffer;
  readonly info: OutputInfo;
}

function encode(pipeline: Sharp): Promise<Encoded> {
  return pipeline.toBuffer({ resolveWithObject: true });
}

function fitting(edge: number): ResizeOptions {
  return { width: edge, height: edge, fit: 'inside', withoutEnlargement: true };
}
