import { crc32 } from 'node:zlib';

import { describe, expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';

import { animatedGif, photo, transparentPng } from '../../../src/demo/photos.js';
import type { AppError } from '../../../src/domain/errors.js';
import { createImageDecoder } from '../../../src/infra/pictures/decoder.js';
import type { EncodedPreview, Previewed } from '../../../src/infra/pictures/encode-previews.js';
import { processCpuMs } from '../../support/cpu-time.js';
import { encodedPreviews } from '../../support/previews.js';
import { built, startScript } from '../../support/program.js';

const decoder = createImageDecoder({ maxPixels: 100_000_000 });

function pick(previewed: Previewed, size: 'small' | 'large'): EncodedPreview {
  const found = encodedPreviews(previewed).find((preview) => preview.size === size);
  if (!found) throw new Error(`there is no ${size} preview`);
  return found;
}

async function failure(input: Buffer, by = decoder): Promise<string> {
  return by.preview(input).then(
    () => 'decoded',
    (error: unknown) => (error as AppError).code,
  );
}

type Rgb = readonly [number, number, number];

/** The colour in the middle of a part of the picture; 0 is the left or upper end, 1 the right or lower. */
async function colourAt(picture: Buffer, x: number, y: number): Promise<Rgb> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const column = Math.floor(x * (info.width - 1));
  const row = Math.floor(y * (info.height - 1));
  const at = (row * info.width + column) * info.channels;
  return [data[at] ?? -1, data[at + 1] ?? -1, data[at + 2] ?? -1];
}

function isNear(one: Rgb, other: Rgb, tolerance: number): boolean {
  return one.every((value, index) => Math.abs(value - (other[index] ?? -1)) <= tolerance);
}

const plain = (width: number, height: number, background = '#c04020'): Sharp =>
  sharp({ create: { width, height, channels: 3, background } });

describe('every raster format becomes two previews', () => {
  const opaque = { large: 'image/jpeg' };
  const translucent = { large: 'image/webp' };
  const cases: [name: string, make: () => Promise<Buffer>, expected: { large: string }][] = [
    ['a JPEG', () => photo({ seed: 1, width: 1600, height: 1200 }), opaque],
    ['a progressive JPEG', () => plain(1600, 1200).jpeg({ progressive: true }).toBuffer(), opaque],
    ['a grey JPEG', () => plain(1600, 1200).toColourspace('b-w').jpeg().toBuffer(), opaque],
    ['a CMYK JPEG', () => plain(1600, 1200).toColourspace('cmyk').jpeg().toBuffer(), opaque],
    ['a PNG', () => plain(1600, 1200).png().toBuffer(), opaque],
    ['a PNG with transparency', () => transparentPng({ seed: 1, width: 1600, height: 1200 }), translucent],
    ['a PNG of a palette', () => plain(1600, 1200).png({ palette: true, colours: 4 }).toBuffer(), opaque],
    ['a PNG of 16 bits', () => plain(1600, 1200).toColourspace('rgb16').png().toBuffer(), opaque],
    [
      'a grey PNG with transparency',
      () => plain(1600, 1200).ensureAlpha(0.5).toColourspace('b-w').png().toBuffer(),
      translucent,
    ],
    ['a WebP', () => plain(1600, 1200).webp().toBuffer(), opaque],
    [
      'a lossless WebP with transparency',
      () => plain(1600, 1200).ensureAlpha(0.5).webp({ lossless: true }).toBuffer(),
      translucent,
    ],
    ['an AVIF', () => plain(1600, 1200).avif({ effort: 0 }).toBuffer(), opaque],
    ['a TIFF', () => plain(1600, 1200).tiff({ compression: 'lzw' }).toBuffer(), opaque],
    // Its palette has an entry for transparency, used or not.
    ['a GIF', () => plain(1600, 1200).gif().toBuffer(), translucent],
  ];

  test.each(cases)('%s', async (_, make, { large }) => {
    const previewed = await decoder.preview(await make());
    expect(previewed).toMatchObject({ width: 1600, height: 1200 });
    expect(
      previewed.previews.map(({ size, type, width, height }) => ({ size, type, width, height })),
    ).toEqual([
      { size: 'small', type: large, width: 533, height: 400 },
      { size: 'large', type: large, width: 1600, height: 1200 },
    ]);
    for (const { data, type, width, height } of encodedPreviews(previewed)) {
      expect(await sharp(data).metadata()).toMatchObject({
        format: type.slice('image/'.length),
        width,
        height,
        space: 'srgb',
        depth: 'uchar',
      });
    }
    expect(Buffer.from(previewed.thumbhash, 'base64').length).toBeGreaterThan(4);
  });

  test('an animated GIF: its first frame', async () => {
    const previewed = await decoder.preview(
      await animatedGif({ seed: 1, width: 400, height: 300, frames: 6 }),
    );
    expect(previewed).toMatchObject({ width: 400, height: 300 });
    expect(pick(previewed, 'large')).toMatchObject({ width: 400, height: 300 });
    expect((await sharp(pick(previewed, 'small').data).metadata()).pages ?? 1).toBe(1);
  });

  test('an animated WebP: its first frame', async () => {
    const moving = await sharp(await animatedGif({ seed: 1, width: 400, height: 300, frames: 3 }), {
      animated: true,
    })
      .webp()
      .toBuffer();
    expect(await decoder.preview(moving)).toMatchObject({ width: 400, height: 300 });
  });
});

describe('a GIF whose first picture is smaller than its canvas', () => {
  /** A red square of 10x10 at this place of the canvas. */
  async function redSquare(width: number, height: number, place: number): Promise<Buffer> {
    const gif = await plain(10, 10, '#ff0000').gif().toBuffer();
    const descriptor = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 10, 0, 10, 0]));
    gif.writeUInt16LE(width, 6);
    gif.writeUInt16LE(height, 8);
    gif.writeUInt16LE(place, descriptor + 1);
    gif.writeUInt16LE(place, descriptor + 3);
    // Without transparency of its own.
    const control = gif.indexOf(Buffer.from([0x21, 0xf9, 4]));
    gif.writeUInt8(gif.readUInt8(control + 3) & ~1, control + 3);
    return gif;
  }

  test.each([
    [100, 80],
    [640, 480],
    [800, 600],
  ])('is transparent around it on a canvas of %i x %i', async (width, height) => {
    const previewed = await decoder.preview(await redSquare(width, height, 20));
    expect(previewed).toMatchObject({ width, height });
    const { data, info } = await sharp(pick(previewed, 'large').data)
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width, height, channels: 4 });
    const at = (x: number, y: number): number[] => [
      ...data.subarray((y * width + x) * 4, (y * width + x + 1) * 4),
    ];
    expect([at(0, 0)[3], at(50, 50)[3], at(width - 1, height - 1)[3]]).toEqual([0, 0, 0]);
    const [red = 0, green = 0, blue = 0, alpha] = at(25, 25);
    expect(isNear([red, green, blue], [255, 0, 0], 12) && alpha === 255).toBe(true);
  });
});

describe('colours are preserved', () => {
  const red: Rgb = [0xc0, 0x40, 0x20];
  test.each<[name: string, picture: () => Sharp, tolerance: number]>([
    ['in 16 bits', () => plain(64, 64).toColourspace('rgb16').png(), 12],
    ['with the profile of a telephone (Display P3)', () => plain(64, 64).withIccProfile('p3').png(), 12],
    ['in CMYK', () => plain(64, 64).withIccProfile('cmyk').toColourspace('cmyk').jpeg({ quality: 100 }), 40],
  ])('%s', async (_, picture, tolerance) => {
    const previewed = await decoder.preview(await picture().toBuffer());
    const colours = await Promise.all(encodedPreviews(previewed).map(({ data }) => colourAt(data, 0.5, 0.5)));
    expect(colours.filter((colour) => !isNear(colour, red, tolerance))).toEqual([]);
  });

  test('and transparency stays transparent', async () => {
    const half = await plain(1600, 1200).ensureAlpha(0.5).png().toBuffer();
    const previewed = await decoder.preview(half);
    for (const { data } of encodedPreviews(previewed)) {
      const { data: pixels } = await sharp(data).raw().toBuffer({ resolveWithObject: true });
      expect(Math.abs((pixels[3] ?? 0) - 128)).toBeLessThanOrEqual(2);
    }
  });
});

describe('a picture of a rotated camera is displayed upright', () => {
  const colours = { r: [250, 0, 0], g: [0, 250, 0], b: [0, 0, 250], w: [250, 250, 250] } as const;
  /** The sensor's pixels, row by row. */
  const sensor = 'rgbw';
  /** The corners as displayed, by EXIF's definition: upper left, upper right, lower left, lower right. */
  const displayed = {
    1: 'rgbw',
    2: 'grwb',
    3: 'wbgr',
    4: 'bwrg',
    5: 'rbgw',
    6: 'brwg',
    7: 'wgbr',
    8: 'gwrb',
  };

  async function quadrants(corners: string): Promise<Buffer> {
    const width = 1600;
    const height = 800;
    const pixels = Buffer.alloc(width * height * 3);
    for (let at = 0; at < width * height; at++) {
      const corner = (at / width < height / 2 ? 0 : 2) + (at % width < width / 2 ? 0 : 1);
      pixels.set(colours[corners[corner] as keyof typeof colours], at * 3);
    }
    return sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
  }

  const sensorPicture = quadrants(sensor);

  async function corners(picture: Buffer): Promise<string> {
    const places = [
      [0.25, 0.25],
      [0.75, 0.25],
      [0.25, 0.75],
      [0.75, 0.75],
    ] as const;
    const seen = await Promise.all(places.map(([x, y]) => colourAt(picture, x, y)));
    return seen
      .map((colour) => Object.entries(colours).find(([, wanted]) => isNear(colour, wanted, 40))?.[0] ?? '?')
      .join('');
  }

  const orientations = Object.entries(displayed).map(([orientation, wanted]) => ({
    orientation: Number(orientation),
    wanted,
  }));

  test.each(
    (['jpeg', 'webp', 'tiff', 'png'] as const).flatMap((format) =>
      orientations.map((each) => ({ ...each, format })),
    ),
  )('$format, orientation $orientation', async ({ orientation, wanted, format }) => {
    const picture = await sharp(await sensorPicture)
      .withMetadata({ orientation })
      .toFormat(format)
      .toBuffer();
    const previewed = await decoder.preview(picture);
    const upright = orientation < 5;
    expect(previewed).toMatchObject(upright ? { width: 1600, height: 800 } : { width: 800, height: 1600 });
    expect(pick(previewed, 'large')).toMatchObject(
      upright ? { width: 1600, height: 800 } : { width: 800, height: 1600 },
    );
    expect(await corners(pick(previewed, 'large').data)).toBe(wanted);
    expect(await corners(pick(previewed, 'small').data)).toBe(wanted);
  });

  test.each([0, 9, 255])('an orientation that does not exist (%i) changes nothing', async (orientation) => {
    const jpeg = await sharp(await sensorPicture)
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    // The tag 0x0112, a SHORT, once: its value follows.
    const tag = jpeg.indexOf(Buffer.from('120103000100000006', 'hex'));
    expect(tag).toBeGreaterThan(0);
    jpeg[tag + 8] = orientation;
    const previewed = await decoder.preview(jpeg);
    expect(previewed).toMatchObject({ width: 1600, height: 800 });
    expect(await corners(pick(previewed, 'large').data)).toBe(sensor);
  });
});

test('previews contain none of the camera’s metadata', async () => {
  const picture = await photo({ seed: 3, width: 1600, height: 1200, orientation: 6 });
  const original = await sharp(picture).metadata();
  expect(original.exif?.includes('Demo camera')).toBe(true); // The original has metadata.
  const withAll = await sharp(picture)
    .keepExif()
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret/></x:xmpmeta>')
    .withIccProfile('p3')
    .toBuffer();
  for (const { data } of encodedPreviews(await decoder.preview(withAll))) {
    const { exif, icc, xmp, iptc, orientation } = await sharp(data).metadata();
    expect({ exif, icc, xmp, iptc, orientation }).toEqual({});
    expect(data.includes('Demo camera')).toBe(false);
    expect(data.includes('secret')).toBe(false);
  }
});

describe('sizes', () => {
  test.each([
    { width: 1, height: 1, small: [1, 1], large: [1, 1] },
    { width: 100, height: 50, small: [100, 50], large: [100, 50] },
    { width: 400, height: 400, small: [400, 400], large: [400, 400] },
    { width: 401, height: 400, small: [400, 399], large: [401, 400] },
    { width: 1600, height: 100, small: [533, 33], large: [1600, 100] },
    { width: 1601, height: 1601, small: [533, 533], large: [1600, 1600] },
    { width: 1, height: 5000, small: [1, 533], large: [1, 1600] },
    { width: 5000, height: 1, small: [533, 1], large: [1600, 1] },
    { width: 16_383, height: 3, small: [533, 1], large: [1600, 1] },
  ])('$width x $height is never enlarged and never distorted', async ({ width, height, small, large }) => {
    const previewed = await decoder.preview(await plain(width, height).png().toBuffer());
    expect(previewed).toMatchObject({ width, height });
    for (const [size, expected] of Object.entries({ small, large })) {
      const preview = pick(previewed, size as 'small' | 'large');
      expect([preview.width, preview.height]).toEqual(expected);
      const { width: seen, height: high } = await sharp(preview.data).metadata();
      expect([seen, high]).toEqual(expected);
    }
  });
});

test.each([
  { width: 3000, height: 2000, large: [1600, 1067], small: [533, 355] },
  { width: 4000, height: 3000, large: [1333, 1000], small: [444, 333] },
  { width: 3000, height: 4000, large: [1000, 1333], small: [333, 444] },
  { width: 6400, height: 100, large: [1280, 20], small: [426, 7] },
  { width: 14_000, height: 90, large: [1555, 10], small: [518, 3] },
])(
  'a JPEG of $width x $height gets a large preview of $large, which costs less than the largest one',
  async ({ width, height, large, small }) => {
    const previewed = await decoder.preview(await plain(width, height).jpeg().toBuffer());
    expect(previewed).toMatchObject({ width, height });
    for (const [size, expected] of Object.entries({ small, large })) {
      const preview = pick(previewed, size as 'small' | 'large');
      expect([preview.width, preview.height]).toEqual(expected);
    }
  },
);

describe('a truncated picture is refused', () => {
  const share = [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97];
  const formats = ['jpeg', 'png', 'webp', 'tiff', 'avif'] as const;
  type Format = (typeof formats)[number] | 'gif';
  const source = photo({ seed: 5, width: 400, height: 300 });
  const whole = (format: Format): Promise<Buffer> =>
    (made[format] ??= source.then((bytes) => sharp(bytes).toFormat(format).toBuffer()));
  const made: Partial<Record<Format, Promise<Buffer>>> = {};

  test.each(formats.flatMap((format) => share.map((part) => ({ format, part }))))(
    '$format after $part of its bytes',
    async ({ format, part }) => {
      const bytes = await whole(format);
      expect(await failure(bytes)).toBe('decoded');
      expect(await failure(bytes.subarray(0, Math.floor(bytes.length * part)))).toBe('media.undecodable');
    },
  );

  test('a progressive JPEG too, although its first pass shows everything', async () => {
    const bytes = await sharp(await source)
      .jpeg({ progressive: true })
      .toBuffer();
    const cuts = await Promise.all(share.map((part) => failure(bytes.subarray(0, bytes.length * part))));
    expect(cuts).toEqual(share.map(() => 'media.undecodable'));
  });

  test('also a GIF in the middle of its first frame', async () => {
    const bytes = await whole('gif');
    expect(await failure(bytes)).toBe('decoded');
    expect(await failure(bytes.subarray(0, bytes.length / 2))).toBe('media.undecodable');
  });

  test('and so are a few arbitrary bytes', async () => {
    const whole = await plain(10, 10).jpeg().toBuffer();
    const heads = Array.from({ length: 40 }, (_, length) => whole.subarray(0, length));
    expect(new Set(await Promise.all(heads.map((head) => failure(head))))).toEqual(
      new Set(['media.undecodable']),
    );
  });
});

describe('a picture with damage in the middle never ends the process', () => {
  test.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('%s', async (format) => {
    const whole = await sharp(await photo({ seed: 7, width: 200, height: 150 }))
      .toFormat(format)
      .toBuffer();
    const broken = Array.from({ length: 24 }, (_, index) => {
      const copy = Buffer.from(whole);
      copy.fill(
        index * 11,
        Math.floor((copy.length * index) / 24),
        Math.floor((copy.length * (index + 0.5)) / 24),
      );
      return copy;
    });
    const outcomes = await Promise.all(broken.map((bytes) => failure(bytes)));
    const known = ['decoded', 'media.undecodable', 'media.too_many_pixels'];
    expect(outcomes.filter((outcome) => !known.includes(outcome))).toEqual([]);
    expect(await failure(whole)).toBe('decoded');
  });
});

describe('a header with too many pixels', () => {
  async function claimingPng(width: number, height: number): Promise<Buffer> {
    const png = await plain(8, 8).png().toBuffer();
    png.writeUInt32BE(width, 16);
    png.writeUInt32BE(height, 20);
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
    return png;
  }
  async function claimingJpeg(width: number, height: number): Promise<Buffer> {
    const jpeg = await plain(8, 8).jpeg().toBuffer();
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    jpeg.writeUInt16BE(height, frame + 5);
    jpeg.writeUInt16BE(width, frame + 7);
    return jpeg;
  }
  async function claimingGif(width: number, height: number): Promise<Buffer> {
    const gif = await plain(8, 8).gif().toBuffer();
    const frame = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 8, 0, 8, 0]));
    for (const at of [6, frame + 5]) {
      gif.writeUInt16LE(width, at);
      gif.writeUInt16LE(height, at + 2);
    }
    return gif;
  }
  async function claimingTiff(width: number, height: number): Promise<Buffer> {
    const tiff = await plain(8, 8).tiff({ compression: 'none' }).toBuffer();
    const directory = tiff.readUInt32LE(4);
    for (let entry = directory + 2; entry < directory + 2 + 12 * tiff.readUInt16LE(directory); entry += 12) {
      const tag = tiff.readUInt16LE(entry);
      if (tag !== 256 && tag !== 257) continue;
      tiff.writeUInt16LE(tag === 256 ? width : height, entry + 8);
    }
    return tiff;
  }

  test.each([
    ['PNG', claimingPng],
    ['JPEG', claimingJpeg],
    ['GIF', claimingGif],
    ['TIFF', claimingTiff],
  ] as const)('%s of 60000 x 60000 is refused at once, and takes no memory', async (_, claiming) => {
    const bytes = await claiming(60_000, 60_000);
    const memory = process.memoryUsage().rss;
    const { result, ms } = await processCpuMs(() => failure(bytes));
    expect(result).toBe('media.too_many_pixels');
    expect(ms).toBeLessThan(2_000);
    expect(process.memoryUsage().rss - memory).toBeLessThan(64 * 1024 * 1024);
  });

  test('is refused one pixel above the limit, and not at it', async () => {
    const strict = createImageDecoder({ maxPixels: 10_000 });
    expect(await failure(await plain(100, 100).png().toBuffer(), strict)).toBe('decoded');
    expect(await failure(await plain(73, 137).png().toBuffer(), strict)).toBe('media.too_many_pixels');
  });

  test('is reported with the limit, not with the picture’s claim', async () => {
    await expect(decoder.preview(await claimingPng(60_000, 60_000))).rejects.toThrow(
      'the picture has more than 100000000 pixels',
    );
  });
});

test('a GIF of 2000 frames costs as much as one with few', async () => {
  const one = await sharp(await photo({ seed: 9, width: 400, height: 300 }))
    .gif()
    .toBuffer();
  const tables = 13 + 3 * 2 ** (((one[10] ?? 0) & 7) + 1);
  const frame = one.subarray(tables, -1);
  const gif = Buffer.concat([one.subarray(0, tables), ...Array<Buffer>(2000).fill(frame), one.subarray(-1)]);
  expect((await sharp(gif, { limitInputPixels: false }).metadata()).pages).toBe(2000);
  const { result, ms } = await processCpuMs(() => decoder.preview(gif));
  expect(result).toMatchObject({ width: 400, height: 300 });
  expect(ms).toBeLessThan(3_000);
});

/** Runs in a separate process, because blocking affects the whole process. */
const shutting = `
  import sharp from 'sharp';
  import { createImageDecoder, allowOnlyRasterDecoders } from '${built('infra/pictures/decoder.js')}';
  const decoder = createImageDecoder({ maxPixels: 1000000 });
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>');
  const plain = sharp({ create: { width: 9, height: 9, channels: 3, background: '#c04020' } });
  const ppm = Buffer.concat([Buffer.from('P6 1 1 255\\n'), Buffer.from([1, 2, 3])]);
  const pdf = Buffer.from('%PDF-1.4\\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\\n'
    + '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\\ntrailer<</Root 1 0 R>>\\n%%EOF');
  const say = async (name, input) => {
    const outcome = await decoder.preview(input).then(() => 'decoded', (error) => error.code);
    console.log(name + ': ' + outcome);
  };
  await say('svg before', svg);
  allowOnlyRasterDecoders();
  await say('svg', svg);
  await say('svg with declaration', Buffer.concat([Buffer.from('<?xml version="1.0"?>'), svg]));
  await say('pdf', pdf);
  await say('ppm', ppm);
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'])
    await say(format, await plain.clone().toFormat(format).toBuffer());
`;

test('SVG, PDF and similar formats never reach a decoder once the process has blocked them', async () => {
  const program = startScript(shutting);
  expect(await program.ended).toBe(0);
  expect(program.output().trim().split('\n')).toEqual([
    'svg before: decoded', // So it is the shutting that refuses it.
    'svg: media.undecodable',
    'svg with declaration: media.undecodable',
    'pdf: media.undecodable',
    'ppm: media.undecodable',
    ...['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'].map((format) => `${format}: decoded`),
  ]);
});
