/** Makes a picture fit a provider's limits: another format, fewer bytes, upright, 8 bits of sRGB. */
import type { Sharp } from 'sharp';

/** Formats that can be made. */
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
  /** As the decoder calls it: `srgb`, `cmyk`, `b-w` and so on. */
  readonly space: string;
  readonly channels: number;
  /** As the decoder calls it: `uchar` is 8 bits. */
  readonly depth: string;
}

const bestQuality = 95;
/** Below it a picture looks worse than a smaller one. */
const worstQuality = 50;
/** From one size to the next: half the pixels. */
const shrink = Math.SQRT1_2;
const smallestEdge = 16;

export function isMakeable(type: string): type is MakeableType {
  return Object.hasOwn(encoders, type);
}

/** What the picture is like before any conversion. Reads no pixels. */
export async function coloursOf(picture: Sharp): Promise<Colours> {
  const { space, channels, depth } = await picture.metadata();
  return { space, channels, depth };
}

/**
 * The picture as this type with at most so many bytes: as large as it is and at the best quality that fits, or smaller where
 * none would. Undefined when it cannot be made so small. `open` reads the picture anew, upright or not.
 */
export async function fitPicture(
  open: () => Sharp,
  { type, maxBytes }: FitTarget,
): Promise<Buffer | undefined> {
  if (!isMakeable(type)) return undefined;
  const { autoOrient } = await open().metadata();
  const longest = Math.max(autoOrient.width, autoOrient.height);
  for (let edge = longest; edge >= Math.min(longest, smallestEdge); edge = Math.floor(edge * shrink)) {
    const encode = (quality: number): Promise<Buffer> => {
      const upright = open().autoOrient().toColourspace('srgb');
      const sized = edge === longest ? upright : upright.resize({ width: edge, height: edge, fit: 'inside' });
      return encoders[type](sized, quality).toBuffer();
    };
    const made = type === 'image/png' ? await encode(bestQuality) : await bestThatFits(encode, maxBytes);
    if (made && made.length <= maxBytes) return made;
  }
  return undefined;
}

/** By halving: better quality is more bytes. Undefined when even the worst quality has too many. */
async function bestThatFits(
  encode: (quality: number) => Promise<Buffer>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  let best = await encode(bestQuality);
  if (best.length <= maxBytes) return best;
  best = await encode(worstQuality);
  if (best.length > maxBytes) return undefined;
  let low = worstQuality;
  let high = bestQuality;
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
