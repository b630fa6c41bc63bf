import { createHash } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';

import {
  animatedGif,
  photo,
  sticker,
  transparentPng,
  uniquePhotos,
  type Orientation,
} from '../../src/demo/photos.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('a photo', () => {
  test('has the dimensions and bytes of a photo from a telephone', async () => {
    const bytes = await photo({ seed: 1, width: 1600, height: 1200 });
    expect(await fileTypeFromBuffer(bytes)).toEqual({ ext: 'jpg', mime: 'image/jpeg' });
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 1600, height: 1200, hasAlpha: false });
    expect(bytes.length).toBeGreaterThan(300_000);
    expect(bytes.length).toBeLessThan(500_000);
  });

  test('depends only on its seed', async () => {
    const [one, again, other] = await Promise.all(
      [1, 1, 2].map((seed) => photo({ seed, width: 320, height: 240 })),
    );
    expect(one).toEqual(again);
    expect(one).not.toEqual(other);
  });

  test.each<[Orientation, number, number]>([
    [1, 400, 300],
    [3, 400, 300],
    [6, 300, 400],
    [8, 300, 400],
  ])('with orientation %i is stored as %i x %i and displayed upright', async (orientation, width, height) => {
    const upright = await photo({ seed: 3, width: 400, height: 300, quality: 95 });
    const turned = await photo({ seed: 3, width: 400, height: 300, quality: 95, orientation });
    expect(await sharp(turned).metadata()).toMatchObject({ width, height, orientation });

    const pixels = (bytes: Buffer) => sharp(bytes).autoOrient().resize(16, 12).raw().toBuffer();
    const [wanted, found] = await Promise.all([pixels(upright), pixels(turned)]);
    const distance = wanted.reduce((sum, value, index) => sum + Math.abs(value - (found[index] ?? 0)), 0);
    expect(distance / wanted.length).toBeLessThan(4);
  });

  test('contains the place where it was taken', async () => {
    const { exif } = await sharp(await photo({ seed: 1, width: 64, height: 48 })).metadata();
    expect(exif?.toString('latin1')).toContain('Demo camera');
    // The tag that points at the GPS directory.
    expect(exif?.includes(Buffer.from([0x25, 0x88]))).toBe(true);
  });

  test.each(['png', 'webp'] as const)('can be a %s', async (format) => {
    const bytes = await photo({ seed: 1, width: 320, height: 240, format });
    expect((await fileTypeFromBuffer(bytes))?.ext).toBe(format);
    expect(await sharp(bytes).metadata()).toMatchObject({ format, width: 320, height: 240 });
  });
});

test('a transparent PNG has transparent and opaque pixels', async () => {
  const bytes = await transparentPng({ seed: 1, width: 300, height: 200 });
  expect(await sharp(bytes).metadata()).toMatchObject({
    format: 'png',
    width: 300,
    height: 200,
    hasAlpha: true,
  });
  const { channels } = await sharp(bytes).stats();
  expect(channels[3]).toMatchObject({ min: 0, max: 255 });
});

test('a sticker is a WebP of 512x512 with transparency', async () => {
  const bytes = await sticker(1);
  expect(await fileTypeFromBuffer(bytes)).toEqual({ ext: 'webp', mime: 'image/webp' });
  expect(await sharp(bytes).metadata()).toMatchObject({ width: 512, height: 512, hasAlpha: true });
});

test('an animated GIF has frames that differ', async () => {
  const bytes = await animatedGif({ seed: 1, width: 160, height: 120, frames: 4 });
  expect(await fileTypeFromBuffer(bytes)).toEqual({ ext: 'gif', mime: 'image/gif' });
  expect(await sharp(bytes, { animated: true }).metadata()).toMatchObject({
    width: 160,
    pageHeight: 120,
    pages: 4,
    loop: 0,
  });
  const frames = await Promise.all([0, 1].map((page) => sharp(bytes, { page }).raw().toBuffer()));
  expect(frames[0]).not.toEqual(frames[1]);
});

describe('unique photos', () => {
  test('differ in their bytes and show the same picture', async () => {
    const photos = await uniquePhotos(1000, { width: 320, height: 240 });
    const digests = Array.from({ length: photos.count }, (_, index) => sha256(photos.at(index)));
    expect(new Set(digests).size).toBe(1000);
    const [first, last] = await Promise.all(
      [0, 999].map((index) => sharp(photos.at(index)).raw().toBuffer()),
    );
    expect(first).toEqual(last);
    expect(await sharp(photos.at(7)).metadata()).toMatchObject({ width: 320, height: 240, orientation: 1 });
  });

  test('have the requested number', async () => {
    const photos = await uniquePhotos(2, { width: 32, height: 24 });
    expect(() => photos.at(2)).toThrow(RangeError);
    expect(() => photos.at(-1)).toThrow(RangeError);
  });
});
