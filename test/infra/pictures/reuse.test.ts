/** Which pictures serve as their own large preview, and what of their file does. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';

import { photo } from '../../../src/demo/photos.js';
import { createImageDecoder } from '../../../src/infra/pictures/decoder.js';
import { previewBytes } from '../../support/previews.js';

const decoder = createImageDecoder({ maxPixels: 100_000_000 });
let folder: string;
let source: Buffer;
/** Without metadata, in one piece. */
let plain: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-reuse-'));
  source = await photo({ seed: 4, width: 400, height: 304 });
  plain = await jpeg();
});
afterAll(() => rm(folder, { recursive: true }));

const jpeg = (options: Parameters<Sharp['jpeg']>[0] = {}): Promise<Buffer> =>
  sharp(source)
    .jpeg({ quality: 80, ...options })
    .toBuffer();

interface Large {
  readonly isReused: boolean;
  readonly bytes: Buffer;
}

/** The large preview of a stored file; undefined if there is none. */
async function largeOf(file: Buffer): Promise<Large | undefined> {
  const path = join(folder, 'file');
  await writeFile(path, file);
  const made = await decoder.preview(path, { isStoredFile: true }).catch(() => undefined);
  const large = made?.previews.find(({ size }) => size === 'large');
  return large && { isReused: !('data' in large), bytes: previewBytes(large, file) };
}

const pixels = (bytes: Buffer): Promise<Buffer> => sharp(bytes).autoOrient().raw().toBuffer();

function segment(marker: number, data: Buffer | string): Buffer {
  const bytes = Buffer.from(data as string, 'latin1');
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(bytes.length + 2, 2);
  return Buffer.concat([head, bytes]);
}

/** Places segments behind the start marker. */
const withSegments = (...segments: Buffer[]): Buffer =>
  Buffer.concat([plain.subarray(0, 2), ...segments, plain.subarray(2)]);

/** The place of the first segment with this marker. */
function placeOf(marker: number, file = plain): number {
  for (let at = 2; ; at += 2 + file.readUInt16BE(at + 2)) if (file[at + 1] === marker) return at;
}

/** A copy in which bytes from a place on are others. */
function changed(at: number, ...values: number[]): Buffer {
  const copy = Buffer.from(plain);
  copy.set(values, at);
  return copy;
}

const insertedAt = (at: number, bytes: Buffer | string): Buffer =>
  Buffer.concat([plain.subarray(0, at), Buffer.from(bytes as string, 'latin1'), plain.subarray(at)]);

const secret = 'GPS of somebody';
const endMarker = Buffer.from([0xff, 0xd9]);
const frame = (): number => placeOf(0xc0);

describe('a picture is its own large preview, with the same pixels', () => {
  test.each<[string, () => Promise<Buffer>]>([
    ['as a baseline JPEG', () => jpeg()],
    ['as a progressive JPEG', () => jpeg({ progressive: true })],
    ['of mozjpeg', () => jpeg({ mozjpeg: true })],
    ['with tables that are not optimised', () => jpeg({ optimiseCoding: false })],
    ['with all of its colours', () => jpeg({ chromaSubsampling: '4:4:4' })],
    ['in grey', () => sharp(source).toColourspace('b-w').jpeg().toBuffer()],
    ['in grey, progressive', () => sharp(source).toColourspace('b-w').jpeg({ progressive: true }).toBuffer()],
    ['of a size that no block divides', () => sharp(source).resize(397, 301).jpeg().toBuffer()],
    ['of one pixel', () => sharp(source).resize(1, 1).jpeg().toBuffer()],
    ['with the profile of sRGB', () => sharp(source).withIccProfile('srgb').jpeg().toBuffer()],
    ['of a camera that was held upright', () => Promise.resolve(source)],
  ])('%s', async (_, make) => {
    const file = await make();
    const large = await largeOf(file);
    expect(large?.isReused).toBe(true);
    expect((await pixels(large?.bytes ?? Buffer.alloc(0))).equals(await pixels(file))).toBe(true);
    const { exif, icc, xmp, iptc, orientation, width, height } = await sharp(large?.bytes).metadata();
    expect({ exif, icc, xmp, iptc, orientation }).toEqual({});
    expect({ width, height }).toEqual(await sizeOf(file));
  });

  async function sizeOf(file: Buffer): Promise<{ width: number; height: number }> {
    const { width, height } = await sharp(file).metadata();
    return { width, height };
  }

  test('but bytes that are not the stored file are encoded', async () => {
    const { previews } = await decoder.preview(plain);
    expect(previews.every((preview) => 'data' in preview)).toBe(true);
  });
});

describe('nothing of a file but its picture reaches the large preview', () => {
  const jfif = (end: Buffer | string): Buffer =>
    segment(0xe0, Buffer.concat([Buffer.from('JFIF\0\x01\x02\0\0\x01\0\x01', 'latin1'), Buffer.from(end)]));
  const small = Buffer.concat([Buffer.from([5, 1]), Buffer.from(secret)]);

  const reused: [string, () => Buffer][] = [
    ['a comment', () => withSegments(segment(0xfe, secret))],
    ['XMP', () => withSegments(segment(0xe1, `http://ns.adobe.com/xap/1.0/\0${secret}`))],
    ['Photoshop’s data', () => withSegments(segment(0xed, `Photoshop 3.0\0${secret}`))],
    ['the index of several pictures', () => withSegments(segment(0xe2, `MPF\0${secret}`))],
    ['a gain map’s description', () => withSegments(segment(0xe2, `urn:iso:std:iso:ts:21496:-1\0${secret}`))],
    ['an unknown segment', () => withSegments(segment(0xef, secret))],
    ['a small picture in JFIF’s extension', () => withSegments(segment(0xe0, `JFXX\0\x10${secret}`))],
    ['segments between the tables', () => insertedAt(frame(), segment(0xfe, secret))],
    ['a segment that resembles Adobe’s', () => withSegments(segment(0xee, `Ducky\0${secret}`))],
    ['bytes behind the end', () => Buffer.concat([plain, Buffer.from(secret)])],
    ['a second picture', () => Buffer.concat([plain, withSegments(segment(0xfe, secret))])],
    ['a film behind the picture', () => Buffer.concat([plain, Buffer.from(`\0\0\0\x18ftypmp42${secret}`)])],
  ];
  const encoded: [string, () => Buffer][] = [
    ['a small picture in JFIF', () => withSegments(jfif(small))],
    ['two segments of JFIF', () => withSegments(jfif('\0\0'), jfif(`\0\0${secret}`))],
    [
      'Adobe’s segment with more than its own',
      () => withSegments(segment(0xee, `Adobe\0d\0\0\0\0\x01${secret}`)),
    ],
    ['bytes behind the last pixel', () => insertedAt(plain.length - 2, secret)],
    ['bytes between two segments', () => insertedAt(frame(), secret)],
    ['filling between two segments', () => insertedAt(frame(), '\xff\xff')],
    ['a table without use', () => insertedAt(frame(), segment(0xdb, `\x03${secret.repeat(5).slice(0, 64)}`))],
    ['a table that replaces another', () => insertedAt(frame(), plain.subarray(placeOf(0xdb), frame()))],
    [
      'a code without use',
      () => insertedAt(frame(), segment(0xc4, `\x03\x01${'\0'.repeat(15)}${secret.slice(0, 1)}`)),
    ],
    ['a second frame', () => insertedAt(frame(), plain.subarray(frame(), frame() + 19))],
    ['a number of lines behind the picture', () => insertedAt(plain.length - 2, segment(0xdc, '\x01\x30'))],
    ['a comment behind the picture', () => insertedAt(plain.length - 2, segment(0xfe, secret))],
    ['a reserved segment', () => withSegments(segment(0xf0, secret))],
  ];

  test.each(reused)('%s is left out', async (_, make) => {
    const large = await largeOf(make());
    expect(large?.isReused).toBe(true);
    expect(large?.bytes.equals(plain)).toBe(true);
  });

  test.each(encoded)('because of %s, the picture is encoded', async (_, make) => {
    const large = await largeOf(make());
    expect(large?.isReused ?? false).toBe(false);
    expect(large?.bytes.includes(secret) ?? false).toBe(false);
  });

  test('for any bytes in any place that decoders ignore', async () => {
    const places = [2, placeOf(0xdb), frame(), placeOf(0xda), plain.length - 2, plain.length];
    const markers = [0xe0, 0xe1, 0xe2, 0xe3, 0xeb, 0xed, 0xee, 0xfe];
    const names = ['', 'JFIF\0', 'JFXX\0', 'Exif\0\0', 'MPF\0', 'ICC_PROFILE\0\x01\x01', 'Adobe'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.constantFrom(...markers),
        fc.constantFrom(...names),
        async (place, marker, name) => {
          const large = await largeOf(insertedAt(place, segment(marker, name + secret)));
          expect(large?.bytes.includes(secret) ?? false).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a picture is encoded, as it was always,', () => {
  const tiff = (orientation: number, type = 3): Buffer =>
    Buffer.from([
      73,
      73,
      42,
      0,
      8,
      0,
      0,
      0,
      1,
      0,
      0x12,
      1,
      type,
      0,
      1,
      0,
      0,
      0,
      orientation,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
  const exif = (data: Buffer): Buffer => segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), data]));
  const scan = (): number => placeOf(0xda);
  const noise = (): Sharp =>
    sharp(randomBytes(200 * 200 * 3), { raw: { width: 200, height: 200, channels: 3 } });

  test.each<[string, () => Buffer | Promise<Buffer>]>([
    ['if it is larger', () => sharp(source).resize(1601, 1200).jpeg().toBuffer()],
    ['if it has more bytes than a preview', () => noise().jpeg({ quality: 90 }).toBuffer()],
    ['if it is not a JPEG', () => sharp(source).webp().toBuffer()],
    ['with the colours of a telephone', () => sharp(source).withIccProfile('p3').jpeg().toBuffer()],
    ['with the colours of a printer', () => sharp(source).toColourspace('cmyk').jpeg().toBuffer()],
    ['with an unknown profile', () => withSegments(segment(0xe2, `ICC_PROFILE\0\x01\x01${'x'.repeat(200)}`))],
    ['with a profile of several parts', () => withSegments(segment(0xe2, 'ICC_PROFILE\0\x01\x02abc'))],
    ['if it lies on its side', () => withSegments(exif(tiff(6)))],
    ['with an orientation that does not exist', () => withSegments(exif(tiff(0)))],
    ['with an orientation of another type', () => withSegments(exif(tiff(1, 4)))],
    ['with Exif that is cut off', () => withSegments(exif(tiff(1).subarray(0, 18)))],
    ['with Exif twice', () => withSegments(exif(tiff(1)), exif(tiff(6)))],
    ['with 12 bits', () => changed(frame() + 4, 12)],
    ['with another coding', () => changed(frame() + 1, 0xc1)],
    ['with unusual sampling', () => changed(frame() + 11, 0x41)],
    ['without its end marker', () => plain.subarray(0, -2)],
    ['cut off, with an end marker', () => Buffer.concat([plain.subarray(0, plain.length * 0.7), endMarker])],
    ['without its last bytes', () => Buffer.concat([plain.subarray(0, -6), endMarker])],
    ['without its tables', () => Buffer.concat([plain.subarray(0, 2), plain.subarray(frame())])],
    ['with restarts that are not announced', () => insertedAt(scan() + 600, '\xff\xd0')],
    ['with another height than its pixels have', () => changed(frame() + 5, 0, 200)],
    ['with colours that are stored as such', () => withSegments(segment(0xee, 'Adobe\0d\0\0\0\0\x02'))],
  ])('%s', async (_, make) => {
    expect((await largeOf(await make()))?.isReused ?? false).toBe(false);
  });

  test('if a pass of a progressive picture replaces another', async () => {
    const file = await jpeg({ progressive: true });
    const first = placeOf(0xda, file);
    const ends = [...file.toString('latin1').matchAll(/\xff\xda/g)].map(({ index }) => index);
    const again = file.subarray(first, file.indexOf(Buffer.from([0xff, 0xc4]), first));
    expect(ends.length).toBeGreaterThan(3);
    for (const at of [first, ...ends.slice(1, 3)]) {
      const twice = Buffer.concat([file.subarray(0, at), again, file.subarray(at)]);
      expect((await largeOf(twice))?.isReused ?? false).toBe(false);
    }
    expect((await largeOf(file))?.isReused).toBe(true);
  });

  test('if its coded pixels are damaged, as far as a decoder can notice', async () => {
    const start = scan() + 20;
    const hasWarnings = (file: Buffer): Promise<boolean> =>
      sharp(file, { failOn: 'warning' })
        .raw()
        .toBuffer()
        .then(
          () => false,
          () => true,
        );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: start, max: plain.length - 60 }), async (at) => {
        const damaged = Buffer.concat([plain.subarray(0, at), plain.subarray(at + 40)]);
        const large = await largeOf(damaged);
        expect(large?.isReused === true && (await hasWarnings(damaged))).toBe(false);
      }),
      { numRuns: 40 },
    );
  });
});

test('colours of a camera that Adobe’s segment describes stay what they are', async () => {
  const file = withSegments(segment(0xee, 'Adobe\0d\0\0\0\0\x01'));
  const large = await largeOf(file);
  expect(large?.isReused).toBe(true);
  expect(large?.bytes.equals(file)).toBe(true);
});

test('a picture with restart markers', async () => {
  // Made by another encoder: sharp writes none.
  const file = restartedGrey();
  const large = await largeOf(file);
  expect(large?.isReused).toBe(true);
  const wrong = Buffer.from(file);
  wrong[wrong.indexOf(Buffer.from([0xff, 0xd1])) + 1] = 0xd2;
  expect((await largeOf(wrong))?.isReused ?? false).toBe(false);
});

/** 24x8 pixels of one grey in three blocks, each behind a restart. */
function restartedGrey(): Buffer {
  // One code each: an average without change, and the end of the block; `00` and padding.
  const code = (id: number): Buffer => Buffer.from([id, 1, ...Array<number>(15).fill(0), 0]);
  const block = 0x3f;
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, Buffer.from([0, ...Array<number>(64).fill(1)])),
    segment(0xc0, Buffer.from([8, 0, 8, 0, 24, 1, 1, 0x11, 0])),
    segment(0xc4, Buffer.concat([code(0), code(0x10)])),
    segment(0xdd, Buffer.from([0, 1])),
    segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])),
    Buffer.from([block, 0xff, 0xd0, block, 0xff, 0xd1, block, 0xff, 0xd9]),
  ]);
}
