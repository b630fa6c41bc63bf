/** Makes a picture fit a provider's limits: another format, fewer bytes, upright, 8 bits of sRGB. */
import type { Sharp } from 'sharp';

/** The formats that can be encoded. */
const encoders = {
  'image/jpeg': (picture: Sharp, quality: number) =>
    picture.flatten({ background: '#ffffff' }).jpeg({ quality }),
  'image/png': (picture: Sharp) => picture.png({ compressionLevel: 9 }),
  'image/webp': (picture: Sharp, quality: number) => picture.webp({ quality, effort: 4 }),
} as const;
type MakeableType = keyof typeof encoders;

export interface FitTarget {
  readonly type: string;
  readonly maxBytes: number;
}

export interface Colours {
  /** The decoder's name: `srgb`, `cmyk`, `b-w` and so on. */
  readonly space: string;
  readonly channels: number;
  /** The decoder's name: `uchar` is 8 bits. */
  readonly depth: string;
  /** The edges in pixels, as stored. */
  readonly width: number;
  readonly height: number;
}

const maxQuality = 95;
/** Below this quality, a picture looks worse than a smaller one. */
const minQuality = 50;
/** The factor from one size to the next: half the pixels. */
const shrink = Math.SQRT1_2;
const minEdge = 16;

export function isEncodable(type: string): type is MakeableType {
  return Object.hasOwn(encoders, type);
}

/** The colours of the picture before any conversion. Reads no pixels. */
export async function coloursOf(picture: Sharp): Promise<Colours> {
  const { space, channels, depth, width, height } = await picture.metadata();
  return { space, channels, depth, width, height };
}

/**
 * Encodes the picture as this type with at most this many bytes: in full size at the best quality that fits,
 * or smaller if none does. Undefined if it cannot be made small enough. `open` reads the picture again,
 * upright or not.
 */
export async function fitPicture(
  open: () => Sharp,
  { type, maxBytes }: FitTarget,
): Promise<Buffer | undefined> {
  if (!isEncodable(type)) return undefined;
  const { autoOrient } = await open().metadata();
  const longest = Math.max(autoOrient.width, autoOrient.height);
  for (let edge = longest; edge >= Math.min(longest, minEdge); edge = Math.floor(edge * shrink)) {
    const encode = (quality: number): Promise<Buffer> => {
      const upright = open().autoOrient().toColourspace('srgb');
      const sized = edge === longest ? upright : upright.resize({ width: edge, height: edge, fit: 'inside' });
      return encoders[type](sized, quality).toBuffer();
    };
    const made = type === 'image/png' ? await encode(maxQuality) : await bestFittingQuality(encode, maxBytes);
    if (made && made.length <= maxBytes) return made;
  }
  return undefined;
}

/**
 * Binary search, because a better quality needs more bytes. Undefined if even the lowest quality is too
 * large.
 */
async function bestFittingQuality(
  encode: (quality: number) => Promise<Buffer>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  let best = await encode(maxQuality);
  if (best.length <= maxBytes) return best;
  best = await encode(minQuality);
  if (best.length > maxBytes) return undefined;
  let low = minQuality;
  let high = maxQuality;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const made = await encode(middle);
    if (made.length > maxBytes) high = middle;
    else {
      best = made;
      low = middle;
    }
  }
  return best;
}
