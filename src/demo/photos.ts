import sharp from 'sharp';

import { seededRandom } from './random.js';
import { cutOut, landscape } from './scenery.js';

/** The orientation of the sensor (EXIF). 1: upright, 3: upside down, 6 and 8: on its side. */
export type Orientation = 1 | 3 | 6 | 8;

interface PictureOptions {
  /** The same seed gives the same picture. */
  readonly seed: number;
  /** The displayed size, after rotation by its orientation. */
  readonly width: number;
  readonly height: number;
}

export interface PhotoOptions extends PictureOptions {
  readonly quality?: number;
  readonly format?: 'jpeg' | 'png' | 'webp';
  readonly orientation?: Orientation;
}

/** The clockwise rotation that a viewer applies; the stored pixels are rotated the other way. */
const displayTurns = { 1: 0, 3: 180, 6: 90, 8: 270 } as const satisfies Record<Orientation, number>;

/** The metadata of a phone, including the location: previews must not contain it. */
const cameraExif = {
  IFD0: { Make: 'Inlet', Model: 'Demo camera', DateTime: '2026:11:21 10:00:00' },
  IFD3: {
    GPSLatitudeRef: 'S',
    GPSLatitude: '23/1 33/1 0/1',
    GPSLongitudeRef: 'W',
    GPSLongitude: '46/1 38/1 0/1',
  },
};

/**
 * A landscape with film grain: its size, entropy and metadata are those of a phone's photo. The grain makes
 * the number of bytes realistic; a clean drawing would compress to a tenth.
 */
export async function photo(options: PhotoOptions): Promise<Buffer> {
  const { seed, width, height, quality = 82, format = 'jpeg', orientation = 1 } = options;
  const pixels = await sharp(Buffer.from(landscape({ seed, width, height })))
    .flatten()
    .raw()
    .toBuffer();
  addGrain(pixels, seed);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .rotate((360 - displayTurns[orientation]) % 360)
    .withMetadata({ orientation, exif: cameraExif })
    .toFormat(format, format === 'png' ? {} : { quality })
    .toBuffer();
}

/** A PNG with a transparent background. */
export async function transparentPng({ seed, width, height }: PictureOptions): Promise<Buffer> {
  return sharp(Buffer.from(cutOut({ seed, width, height })))
    .png()
    .toBuffer();
}

/** A WebP of 512x512 with transparency, like WhatsApp's stickers. */
export async function sticker(seed: number): Promise<Buffer> {
  return sharp(Buffer.from(cutOut({ seed, width: 512, height: 512 })))
    .webp({ quality: 80 })
    .toBuffer();
}

/** An animated GIF that repeats `frames` pictures. */
export async function animatedGif(options: PictureOptions & { readonly frames?: number }): Promise<Buffer> {
  const { seed, width, height, frames = 6 } = options;
  const pictures = await Promise.all(
    Array.from({ length: frames }, (_, index) =>
      sharp(Buffer.from(landscape({ seed: seed + index, width, height })))
        .flatten()
        .raw()
        .toBuffer(),
    ),
  );
  const raw = { width, height: height * frames, channels: 3, pageHeight: height } as const;
  return sharp(Buffer.concat(pictures), { raw })
    .gif({ delay: Array<number>(frames).fill(120), loop: 0 })
    .toBuffer();
}

export interface UniquePhotos {
  readonly count: number;
  /** Made on request, so that a million of them need the memory of one. */
  readonly at: (index: number) => Buffer;
}

/**
 * Many JPEGs with different bytes and digests at the cost of one: each contains its number in a comment
 * segment, and decoding any of them costs as much as decoding the first.
 */
export async function uniquePhotos(
  count: number,
  { seed = 1, width = 1600, height = 1200 }: Partial<PictureOptions> = {},
): Promise<UniquePhotos> {
  return uniqueCopies(await photo({ seed, width, height }), count, seed);
}

/** Copies of a JPEG that differ in a comment segment, with this seed and the number of the copy. */
export function uniqueCopies(base: Buffer, count: number, seed: number): UniquePhotos {
  const place = endOfApplicationSegments(base);
  const head = base.subarray(0, place);
  const tail = base.subarray(place);
  return {
    count,
    at: (index) => {
      if (!Number.isInteger(index) || index < 0 || index >= count) {
        throw new RangeError(`There is no photo ${String(index)} of ${String(count)}`);
      }
      return Buffer.concat([head, comment(`photo ${String(seed)}/${String(index)}`), tail]);
    },
  };
}

/** JFIF and EXIF must be the first segments of the file, so the comment follows them. */
function endOfApplicationSegments(jpeg: Buffer): number {
  let offset = 2;
  while (jpeg[offset] === 0xff && ((jpeg[offset + 1] ?? 0) & 0xf0) === 0xe0) {
    offset += 2 + jpeg.readUInt16BE(offset + 2);
  }
  return offset;
}

function comment(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const header = Buffer.from([0xff, 0xfe, 0, 0]);
  header.writeUInt16BE(bytes.length + 2, 2);
  return Buffer.concat([header, bytes]);
}

const grainDeviation = 9;
const grainValues = 4096;

/**
 * Adds Gaussian noise to the brightness in place. libvips has noise too, but it cannot be seeded from here.
 */
function addGrain(pixels: Buffer, seed: number): void {
  const random = seededRandom(~seed);
  const grain = Int8Array.from({ length: grainValues }, () => Math.round(gaussian(random) * grainDeviation));
  const clamped = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
  for (let offset = 0; offset < clamped.length; offset += 3) {
    const noise = grain[(random() * grainValues) | 0] ?? 0;
    for (let channel = offset; channel < offset + 3; channel += 1) {
      clamped[channel] = (clamped[channel] ?? 0) + noise;
    }
  }
}

/** Box and Muller; the sum keeps the logarithm away from zero. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(random() + Number.MIN_VALUE)) * Math.cos(2 * Math.PI * random());
}
