import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { createHeicDecoder, type DecodedHeic } from '../../../src/infra/pictures/heic.js';
import { bestRound } from '../../support/best-round.js';
import { claiming, heic, heicPath, turned } from '../../support/heic.js';

const megabyte = 1_048_576;
const decode = createHeicDecoder({ maxPixels: 100_000_000 });
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-heic-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function decodeBytes(bytes: Buffer, by = decode): Promise<DecodedHeic> {
  const path = join(folder, `${String(Math.random())}.heic`);
  await writeFile(path, bytes);
  return by(path);
}

const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'decoded',
    (error: unknown) => (error as { code?: string }).code,
  );

/** The colours of the corners in sRGB as displayed: upper left, upper right, lower left, lower right. */
async function cornersOf({ tiff }: DecodedHeic): Promise<string> {
  const { data, info } = await sharp(Buffer.from(tiff))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const nameAt = (x: number, y: number): string => {
    const at = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * 3;
    const bright = [...data.subarray(at, at + 3)].map((value) => value > 128);
    return bright.every(Boolean) ? 'w' : ('rgb'[bright.indexOf(true)] ?? '?');
  };
  return [nameAt(0.25, 0.25), nameAt(0.75, 0.25), nameAt(0.25, 0.75), nameAt(0.75, 0.75)].join('');
}

describe('a HEIC picture', () => {
  test('becomes pixels of its size', async () => {
    const { tiff, ...size } = await decode(heicPath('photo'));
    expect(size).toEqual({ width: 120, height: 80 });
    expect(await sharp(Buffer.from(tiff)).metadata()).toMatchObject({
      format: 'tiff',
      width: 120,
      height: 80,
      channels: 3,
      depth: 'uchar',
      hasAlpha: false,
    });
  });

  test.each([
    { quarters: 0, width: 96, height: 64, corners: 'rgbw' },
    { quarters: 1, width: 64, height: 96, corners: 'gwrb' },
    { quarters: 2, width: 96, height: 64, corners: 'wbgr' },
    { quarters: 3, width: 64, height: 96, corners: 'brwg' },
  ])('is turned as it says: by $quarters quarters', async ({ quarters, width, height, corners }) => {
    const decoded = await decodeBytes(turned(await heic('corners'), quarters));
    expect(decoded).toMatchObject({ width, height });
    expect(await cornersOf(decoded)).toBe(corners);
  });

  test('keeps its transparency', async () => {
    const { tiff } = await decode(heicPath('alpha'));
    const picture = sharp(Buffer.from(tiff));
    expect((await picture.metadata()).hasAlpha).toBe(true);
    const { channels } = await picture.stats();
    expect(channels[3]).toMatchObject({ min: 0, max: 255 });
  });

  test('keeps its colours, which phones write in Display P3', async () => {
    const { tiff } = await decode(heicPath('p3'));
    const { channels } = await sharp(
      await sharp(Buffer.from(tiff)).toColourspace('srgb').png().toBuffer(),
    ).stats();
    for (const [index, wanted] of [0xc0, 0x40, 0x20].entries())
      expect(Math.abs((channels[index]?.mean ?? 0) - wanted)).toBeLessThan(12);
    // Without its profile, it would be another colour.
    expect((await sharp(Buffer.from(tiff)).metadata()).icc?.length).toBeGreaterThan(100);
  });

  test('of 24 megapixels is small when it leaves its thread', async () => {
    const { tiff, ...size } = await decode(heicPath('plain'));
    expect(size).toEqual({ width: 6000, height: 4000 });
    const { width, height } = await sharp(Buffer.from(tiff)).metadata();
    expect({ width, height }).toEqual({ width: 1500, height: 1000 });
    const { channels } = await sharp(Buffer.from(tiff)).stats();
    for (const [index, wanted] of [0xc0, 0x40, 0x20].entries()) {
      expect(Math.abs((channels[index]?.mean ?? 0) - wanted)).toBeLessThan(6);
      expect(channels[index]?.stdev).toBeLessThan(3);
    }
  });
});

describe('a hostile HEIC picture', () => {
  test('that claims too many pixels is refused before it is decoded', async () => {
    const absurd = claiming(await heic('photo'), 60_000, 60_000);
    expect(await outcome(decodeBytes(absurd))).toBe('media.too_many_pixels');
    const strict = createHeicDecoder({ maxPixels: 120 * 80 - 1 });
    expect(await outcome(strict(heicPath('photo')))).toBe('media.too_many_pixels');
    expect(await outcome(createHeicDecoder({ maxPixels: 120 * 80 })(heicPath('photo')))).toBe('decoded');
  });

  test.each([
    [2_147_483_647, 2_147_483_647],
    [4_294_967_295, 4_294_967_295],
    [0, 0],
    [1, 99_000_000],
    [9_000, 9_000],
  ])('that claims to have %i x %i pixels causes no harm', async (width, height) => {
    const lying = claiming(await heic('photo'), width, height);
    expect(['media.too_many_pixels', 'media.undecodable']).toContain(await outcome(decodeBytes(lying)));
  });

  test('that needs too much memory ends with its thread', async () => {
    const narrow = createHeicDecoder({ maxPixels: 100_000_000, maxMemoryBytes: 32 * megabyte });
    expect(await outcome(narrow(heicPath('plain')))).toBe('media.too_many_pixels');
    expect(await outcome(narrow(heicPath('photo')))).toBe('decoded');
  });

  test('that takes too long is stopped, and the next one is decoded as usual', async () => {
    const hasty = createHeicDecoder({ maxPixels: 100_000_000, timeoutMs: 1 });
    const { stopped, decoded } = await bestRound(
      async () => {
        const began = performance.now();
        expect(await outcome(hasty(heicPath('plain')))).toBe('media.busy');
        const ended = performance.now();
        expect(await outcome(decode(heicPath('plain')))).toBe('decoded');
        return { stopped: ended - began, decoded: performance.now() - ended };
      },
      (ms) => ms.stopped < ms.decoded,
    );
    expect(stopped).toBeLessThan(decoded);
  });

  test('that is truncated or damaged anywhere causes no harm', async () => {
    const whole = await heic('photo');
    const cuts = Array.from({ length: 12 }, (_, part) => whole.subarray(0, (whole.length * part) / 12));
    const damaged = Array.from({ length: 12 }, (_, part) => {
      const copy = Buffer.from(whole);
      const start = Math.floor((copy.length * part) / 12);
      return copy.fill(0xff - part * 7, start, start + Math.floor(copy.length / 24));
    });
    const outcomes: unknown[] = [];
    for (const bytes of [...cuts, ...damaged, Buffer.from('no picture')])
      outcomes.push(await outcome(decodeBytes(bytes)));
    expect(outcomes.slice(0, 6)).toEqual(Array(6).fill('media.undecodable'));
    expect(outcomes.at(-1)).toBe('media.undecodable');
    const known = ['decoded', 'media.undecodable', 'media.too_many_pixels'];
    expect(outcomes.filter((each) => !known.includes(String(each)))).toEqual([]);
    expect(await outcome(decode(heicPath('photo')))).toBe('decoded');
  });
});
