/**
 * Limits the memory of decoders. Most formats are decoded row by row, with next to no memory; some must be
 * held as a whole, and a sender can make those from almost nothing: 36 bytes of WebP took 380 MB here, an
 * interlaced PNG of 0.7 MB 860 MB.
 */
import { readFile } from 'node:fs/promises';

import type { Metadata } from 'sharp';

/**
 * Bytes per pixel of formats that are decoded as a whole, as measured with libvips 8.18. The others are
 * decoded row by row.
 */
const bytesPerPixel: Readonly<Record<string, (picture: PictureHead) => number>> = {
  webp: () => 4,
  gif: () => 5,
  // The planes of AV1, several at once, and their conversion.
  heif: () => 15,
  // Two bytes for each coefficient.
  jpeg: ({ isProgressive, channels, chromaSubsampling }) =>
    isProgressive ? 2 * (chromaSubsampling === '4:2:0' ? 1.5 : channels) : 0,
  png: ({ isProgressive, channels, depth }) =>
    isProgressive ? 1.3 * channels * (depth === 'ushort' ? 2 : 1) : 0,
};

/** What the head of a picture says. */
export type PictureHead = Pick<
  Metadata,
  'format' | 'width' | 'height' | 'isProgressive' | 'channels' | 'chromaSubsampling' | 'depth'
>;

/** The number of bytes that the decoder holds at once, according to the head. */
export function decodedBytes(picture: PictureHead): number {
  return picture.width * picture.height * (bytesPerPixel[picture.format]?.(picture) ?? 0);
}

/** JPEG encoders write about ten passes. */
export const maxPasses = 100;

/**
 * Runs tasks as long as their bytes fit together; the others wait in order. No task may need more than the
 * total.
 */
export function createMemoryBudget(total: number): <T>(bytes: number, task: () => Promise<T>) => Promise<T> {
  const waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  let free = total;
  const admit = (): void => {
    for (let next = waiting[0]; next && next.bytes <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.bytes;
      next.start();
    }
  };
  return async (bytes, task) => {
    if (bytes === 0) return task();
    await new Promise<void>((go) => {
      waiting.push({ bytes, start: go });
      admit();
    });
    try {
      return await task();
    } finally {
      free += bytes;
      admit();
    }
  };
}

/**
 * How often the decoder of a progressive JPEG processes the whole picture. Encoders write about ten passes;
 * each costs a few dozen bytes and time for all pixels (measured: 22 seconds for 0.3 MB). The markers are
 * counted.
 */
export async function passesOf(input: string | Buffer): Promise<number> {
  const bytes = typeof input === 'string' ? await readFile(input) : input;
  let passes = 0;
  for (let at = 2; at >= 2 && at + 3 < bytes.length;) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || isFiller(marker)) {
      // Inside the coded pixels: continues at the next possible marker.
      at = bytes.indexOf(0xff, at + 1);
      continue;
    }
    if (marker === 0xda) passes += 1;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return passes;
}

/**
 * What follows 0xff in coded pixels: an escaped 0xff, padding, restarts and ends, none of which has a length.
 */
function isFiller(marker: number): boolean {
  return marker === 0 || marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9);
}
