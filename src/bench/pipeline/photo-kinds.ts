/** The photos of the benchmark, as bytes and detail of real ones are. */
import sharp from 'sharp';

import { uniqueCopies, type UniquePhotos } from '../../demo/photos.js';
import { seededRandom } from '../../demo/random.js';
import { landscape } from '../../demo/scenery.js';

interface PhotoKind {
  readonly width: number;
  readonly height: number;
  /** The quality of the JPEG. */
  readonly quality: number;
  readonly title: string;
}

/**
 * `messenger`: as WhatsApp sends them, 300 to 450 KB without metadata. `camera`: as telephones take them, 2.5
 * to 4 MB.
 */
export const photoKinds = {
  messenger: { width: 1600, height: 1200, quality: 80, title: '1600x1200' },
  camera: { width: 4000, height: 3000, quality: 85, title: '12 megapixels' },
} as const satisfies Record<string, PhotoKind>;
export type PhotoKindName = keyof typeof photoKinds;

/** Different photos of one kind; the same seed gives the same ones. */
export async function photosOf(name: PhotoKindName, count: number, seed: number): Promise<UniquePhotos> {
  const { width, height, quality } = photoKinds[name];
  const pixels = await sharp(Buffer.from(landscape({ seed, width, height })))
    .flatten()
    .raw()
    .toBuffer();
  for (const octave of octaves) await addNoise(pixels, { width, height, seed, ...octave });
  const base = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return uniqueCopies(base, count, seed);
}

interface Octave {
  /** The edge of its grains, in pixels. */
  readonly grain: number;
  /** The largest change of a pixel value. */
  readonly strength: number;
}

/**
 * Photos have detail of every size, and each size about as much as the next; the finest is blurred by lenses.
 */
const octaves: readonly Octave[] = [
  { grain: 1, strength: 7 },
  { grain: 2, strength: 12 },
  { grain: 4, strength: 20 },
  { grain: 8, strength: 24 },
  { grain: 16, strength: 24 },
  { grain: 64, strength: 24 },
];

interface Noise extends Octave {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

/** Adds noise to the brightness, in place. */
async function addNoise(pixels: Buffer, { width, height, seed, grain, strength }: Noise): Promise<void> {
  const random = seededRandom(seed * 31 + grain);
  const columns = Math.ceil(width / grain);
  const rows = Math.ceil(height / grain);
  const grains = Buffer.from(Uint8Array.from({ length: columns * rows }, () => random() * 256));
  const noise = await sharp(grains, { raw: { width: columns, height: rows, channels: 1 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .extractChannel(0)
    .raw()
    .toBuffer();
  const clamped = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
  for (const [place, value] of noise.entries()) {
    const change = ((value - 128) / 128) * strength;
    for (let at = place * 3; at < place * 3 + 3; at += 1) clamped[at] = (clamped[at] ?? 0) + change;
  }
}
