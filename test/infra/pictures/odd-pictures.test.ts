/** The previews of unusual and damaged pictures show the scene of which they were made, or the rest of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import type { Previewed } from '../../../src/infra/pictures/encode-previews.js';
import { hdrOf } from '../../../src/infra/pictures/hdr.js';
import { createIsolatedDecoder, type IsolatedDecoder } from '../../../src/infra/pictures/isolated-decoder.js';
import { filesFolder } from '../../support/files.js';
import { encodedPreviews, previewBytes } from '../../support/previews.js';

let decoder: IsolatedDecoder;
let scene: Buffer;
beforeAll(async () => {
  decoder = createIsolatedDecoder({ maxPixels: 10_000_000, idleMs: 60_000 });
  scene = await pixelsOf(pathOf('photo.png'));
});
afterAll(() => {
  decoder.close();
});

const width = 96;
const height = 72;
const pathOf = (file: string): string => join(filesFolder, file);

function pixelsOf(input: string | Buffer): Promise<Buffer> {
  return sharp(input).removeAlpha().toColourspace('srgb').raw().toBuffer();
}

async function previewOf(file: string): Promise<Buffer> {
  const path = pathOf(file);
  const { pictures } = await decoder.preview(path, hdrOf(readFileSync(path)));
  const large = pictures?.previews.find(({ size }) => size === 'large');
  if (!large) throw new Error(`${file} has no preview`);
  return pixelsOf(previewBytes(large, readFileSync(path)));
}

function largeOf(pictures: Previewed | undefined): Buffer {
  const large = pictures && encodedPreviews(pictures)[1];
  if (!large) throw new Error('there is no large preview');
  return Buffer.from(large.data);
}

/** The mean difference of these rows, from 0 to 255. */
function difference(one: Buffer, other: Buffer, rows = height): number {
  const count = rows * width * 3;
  let sum = 0;
  for (let at = 0; at < count; at++) sum += Math.abs((one[at] ?? 0) - (other[at] ?? 0));
  return sum / count;
}

describe('a picture is displayed correctly', () => {
  test.each([
    'photo.jpg',
    'passes.jpg',
    'trailing.jpg',
    'two-pictures.mpo',
    'no-end.jpg',
    'apple.png',
    'animated.png',
    'bad-checksum.png',
    'animated.gif',
    'photo.webp',
    'animated.webp',
    'photo.tif',
    'photo.avif',
    'mif1.avif',
    'photo.bmp',
    'fields.bmp',
    'icon.ico',
    'bitmap.ico',
  ])('%s', async (file) => {
    expect(difference(await previewOf(file), scene)).toBeLessThan(12);
  });

  test.each(['palette.bmp', 'runs.bmp'])('%s, in shades of grey', async (file) => {
    const red = Buffer.from(scene.map((_, at) => scene[at - (at % 3)] ?? 0));
    expect(difference(await previewOf(file), red)).toBeLessThan(12);
  });
});

describe('the existing part of a picture is displayed', () => {
  test.each(['half.jpg', 'cut.png', 'cut.gif', 'cut.webp'])('%s', async (file) => {
    const preview = await previewOf(file);
    expect(difference(preview, scene, 16)).toBeLessThan(16);
    expect(difference(preview, scene)).toBeGreaterThan(5);
  });

  test('cut.bmp, from its end', async () => {
    const preview = await previewOf('cut.bmp');
    const lowest = 40 * width * 3;
    expect(difference(preview.subarray(lowest), scene.subarray(lowest), 30)).toBeLessThan(12);
    expect(Math.max(...preview.subarray(0, 20 * width * 3))).toBeLessThan(40);
  });

  test('cut-by-4.webp, nearly all of it', async () => {
    expect(difference(await previewOf('cut-by-4.webp'), scene)).toBeLessThan(16);
  });
});

describe('a high dynamic range', () => {
  test('is detected in the heads of files', () => {
    expect(hdrOf(readFileSync(pathOf('bright.png')))).toEqual({ transfer: 'pq', isWide: true });
    expect(hdrOf(readFileSync(pathOf('bright.avif')))).toEqual({ transfer: 'hlg', isWide: true });
    for (const file of ['photo.png', 'photo.avif', 'photo.jpg'])
      expect(hdrOf(readFileSync(pathOf(file)))).toBeUndefined();
    expect(hdrOf(Buffer.alloc(0))).toBeUndefined();
    expect(hdrOf(Buffer.from('....colrnclx\0'))).toBeUndefined();
  });

  test('grey values are converted to their real brightness', async () => {
    const { channels } = await sharp(await previewAs('bright.png')).stats();
    for (const { mean } of channels) {
      expect(mean).toBeGreaterThan(137);
      expect(mean).toBeLessThan(153);
    }
  });

  async function previewAs(file: string): Promise<Buffer> {
    const path = pathOf(file);
    const { pictures } = await decoder.preview(path, hdrOf(readFileSync(path)));
    expect(pictures).toMatchObject({ width, height });
    return largeOf(pictures);
  }
});

describe('a PDF', () => {
  test('shows its first page on white, with its text and drawings', async () => {
    const { pictures } = await decoder.preview(pathOf('letter.pdf'));
    expect(pictures?.previews).toMatchObject([
      { size: 'small', width: 533, height: 355 },
      { size: 'large', width: 1600, height: 1067, type: 'image/jpeg' },
    ]);
    const page = sharp(largeOf(pictures));
    const at = async (left: number, top: number): Promise<number[]> => [
      ...(await page.clone().extract({ left, top, width: 1, height: 1 }).raw().toBuffer()),
    ];
    expect((await at(10, 10)).every((value) => value > 250)).toBe(true);
    const [red = 0, , blue = 0] = await at(500, 875);
    expect(blue - red).toBeGreaterThan(100);
  });

  test('leaks no memory that later documents need', async () => {
    for (let time = 0; time < 10; time++) {
      const { pictures } = await decoder.preview(pathOf('letter.pdf'));
      expect(pictures).toBeDefined();
    }
  }, 180_000);
});
