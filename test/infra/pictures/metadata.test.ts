/** Metadata of pictures: what cameras write, and what nobody should have written. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';

import type { FileMetadata } from '../../../src/domain/file-metadata.js';
import { readMetadata } from '../../../src/infra/pictures/metadata/read-metadata.js';
import { exif, exifJpeg, position, text, type ExifEntry } from '../../support/exif.js';
import { heic } from '../../support/heic.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metadata-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(file: Buffer, type: string): Promise<FileMetadata | null> {
  const path = join(folder, 'file');
  await writeFile(path, file);
  return readMetadata({ path, head: file.subarray(0, 65_536), type });
}

const readJpeg = (tiff: Buffer): Promise<FileMetadata | null> => read(exifJpeg(tiff), 'image/jpeg');

const written = {
  IFD0: { Make: 'Acme', Model: 'Acme One', Software: 'Acme OS 2' },
  IFD2: { DateTimeOriginal: '2026:11:20 16:42:07', OffsetTimeOriginal: '-03:00' },
  IFD3: {
    GPSLatitudeRef: 'S',
    GPSLatitude: '23/1 33/1 1800/100',
    GPSLongitudeRef: 'W',
    GPSLongitude: '46/1 38/1 0/1',
  },
};
const expected: FileMetadata = {
  takenAt: '2026-11-20T16:42:07-03:00',
  camera: 'Acme One',
  latitude: -23.555,
  longitude: -46.633333,
  software: 'Acme OS 2',
};
const nothing: FileMetadata = {
  takenAt: null,
  camera: null,
  latitude: null,
  longitude: null,
  software: null,
};

function picture(): Sharp {
  return sharp({ create: { width: 64, height: 48, channels: 3, background: '#aa5522' } });
}

describe('what a camera writes', () => {
  it.each(['jpeg', 'png', 'webp', 'avif'] as const)('is read from %s', async (format) => {
    const file = await picture().withExif(written).toFormat(format).toBuffer();
    expect(await read(file, `image/${format}`)).toEqual(expected);
  });

  it('is read from HEIC', async () => {
    expect(await read(await heic('photo'), 'image/heic')).toEqual({
      ...nothing,
      camera: 'Inlet Demo camera',
      latitude: -23.55,
      longitude: -46.633333,
    });
  });

  it.each([true, false])('is read from TIFF, and in both byte orders (little: %s)', async (isLittle) => {
    const file = exif({ main: [text(0x0131, 'Scanner 3')], isLittle });
    expect(await read(file, 'image/tiff')).toEqual({ ...nothing, software: 'Scanner 3' });
  });

  it.each(['jpeg', 'png', 'webp', 'avif'] as const)('is null if there is none in %s', async (format) => {
    expect(await read(await picture().toFormat(format).toBuffer(), `image/${format}`)).toBeNull();
  });

  it('is read from a file with a colour profile and a JFIF header before it', async () => {
    const file = await picture().withExif(written).withIccProfile('p3').jpeg().toBuffer();
    expect(await read(file, 'image/jpeg')).toEqual(expected);
  });
});

describe('a value', () => {
  const details = (entries: readonly ExifEntry[]) => readJpeg(exif({ main: [], details: entries }));

  it.each<[string, readonly ExifEntry[], string | null]>([
    ['without an offset', [text(0x9003, '2026:02:28 23:59:59')], '2026-02-28T23:59:59'],
    [
      'of the scan',
      [text(0x9004, '2026:02:28 23:59:59'), text(0x9012, '+05:30')],
      '2026-02-28T23:59:59+05:30',
    ],
    [
      'with a wrong offset',
      [text(0x9003, '2026:02:28 23:59:59'), text(0x9011, '+99:99')],
      '2026-02-28T23:59:59',
    ],
    ['that does not exist', [text(0x9003, '2026:02:30 10:00:00')], null],
    ['of a clock that was never set', [text(0x9003, '0000:00:00 00:00:00')], null],
    ['that is no time', [text(0x9003, '<script>alert(1)</script>')], null],
  ])('is the time %s', async (_, entries, takenAt) => {
    expect((await details(entries))?.takenAt ?? null).toBe(takenAt);
  });

  it('names the maker once', async () => {
    const camera = async (make: string, model: string) =>
      (await readJpeg(exif({ main: [text(0x010f, make), text(0x0110, model)] })))?.camera;
    expect(await camera('ACME Corporation', 'Acme One')).toBe('Acme One');
    expect(await camera('Acme', 'One')).toBe('Acme One');
    expect(await camera('Acme', '')).toBe('Acme');
  });

  it('is one short line of text, whatever was written', async () => {
    const software = async (value: string | Buffer) =>
      (await readJpeg(exif({ main: [text(0x0131, value)] })))?.software;
    expect(await software('a\u202eb\u0007\n\tc  ')).toBe('a b c');
    expect(await software('x'.repeat(5_000))).toBe('x'.repeat(100));
    expect(await software(Buffer.from('C\u00e2mera', 'latin1'))).toBe('C\u00e2mera');
    expect(await software('C\u00e2mera')).toBe('C\u00e2mera');
    expect(await software(`${'x'.repeat(99)}\u{1f339}`)).toBe(`${'x'.repeat(99)}\ufffd`);
  });

  it.each<[string, readonly ExifEntry[]]>([
    ['beyond the pole', position({ latitude: [91, 1], longitude: [10, 1] })],
    ['divided by zero', position({ latitude: [10, 0], longitude: [10, 1] })],
    ['of a camera that does not know it', position({ latitude: [0, 1], longitude: [0, 1] })],
    ['without a hemisphere', position({ latitude: [10, 1], longitude: [10, 1] }).slice(1)],
  ])('is no position %s', async (_, entries) => {
    const main = [text(0x0131, 'kept')];
    expect(await readJpeg(exif({ main, position: entries }))).toEqual({ ...nothing, software: 'kept' });
  });
});

describe('hostile data', () => {
  const whole = exif({
    main: [text(0x010f, 'Acme'), text(0x0110, 'One')],
    details: [text(0x9003, '2026:11:20 16:42:07')],
    position: position({ latitude: [23, 1], longitude: [46, 1] }),
  });

  it('that lead back to themselves are read once', async () => {
    const main = [
      text(0x0131, 'kept'),
      { tag: 0x8769, type: 4, count: 1, value: Buffer.from([8, 0, 0, 0]) },
      { tag: 0x8825, type: 4, count: 1, value: Buffer.from([8, 0, 0, 0]) },
    ];
    expect(await readJpeg(exif({ main }))).toEqual({ ...nothing, software: 'kept' });
  });

  it('with huge counts are read in part', async () => {
    const claiming = Buffer.from(whole);
    claiming.writeUInt16LE(65_535, 8);
    claiming.writeUInt32LE(0xffffffff, 8 + 2 + 4);
    expect((await readJpeg(claiming))?.takenAt).toBe('2026-11-20T16:42:07');
  });

  it('that point outside the file are ignored', async () => {
    const pointing = Buffer.from(whole);
    pointing.writeUInt32LE(0xfffffff0, 4);
    expect(await readJpeg(pointing)).toBeNull();
    expect(await read(pointing, 'image/tiff')).toBeNull();
  });

  it('that are cut or changed anywhere cost nothing but themselves', async () => {
    const files = {
      'image/jpeg': exifJpeg(whole),
      'image/tiff': whole,
      'image/png': await picture().withExif(written).png().toBuffer(),
      'image/webp': await picture().withExif(written).webp().toBuffer(),
      'image/avif': await picture().withExif(written).avif().toBuffer(),
    };
    for (const [type, file] of Object.entries(files)) {
      const { length } = file;
      for (let at = 0; at < Math.min(length, 600); at += 3) {
        const changed = Buffer.from(file);
        changed.writeUInt8(255, at);
        for (const hostile of [file.subarray(0, at), changed]) {
          const metadata = await read(hostile, type);
          expect(Object.keys(metadata ?? nothing)).toEqual(Object.keys(nothing));
        }
      }
    }
  });

  it('in XML are not read', async () => {
    const entities = Array.from(
      { length: 20 },
      (_, n) => `<!ENTITY e${String(n + 1)} "&e${String(n)};&e${String(n)};">`,
    );
    const bomb = `http://ns.adobe.com/xap/1.0/\0<!DOCTYPE x [<!ENTITY e0 "boom">${entities.join('')}]><x>&e20;</x>`;
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), Buffer.from(bomb)]);
    segment.writeUInt16BE(segment.length - 2, 2);
    const file = exifJpeg(whole);
    const both = Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)]);
    expect(await read(both, 'image/jpeg')).toMatchObject({ camera: 'Acme One' });
    expect(await read(Buffer.concat([file.subarray(0, 2), segment]), 'image/jpeg')).toBeNull();
  });

  it('with millions of parts of items in HEIF are skipped', async () => {
    const file = await picture().withExif(written).avif().toBuffer();
    const places = file.indexOf('iloc');
    // No part takes a byte, and the first item has 65,535 of them.
    const hostile = Buffer.from(file);
    hostile.writeUInt16BE(0, places + 8);
    hostile.fill(255, places + 10, places + 40);
    expect(await read(hostile, 'image/avif')).toBeNull();
  });
});
