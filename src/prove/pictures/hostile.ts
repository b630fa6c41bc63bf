/** Pictures that are made to hurt whoever decodes them. None is stored anywhere: all are made when they are needed. */
import { crc32, deflateSync } from 'node:zlib';

import sharp from 'sharp';

import { photo } from '../../demo/photos.js';

export interface HostilePicture {
  readonly what: string;
  readonly content: Buffer;
  /** The states that it may end in. */
  readonly wanted: readonly string[];
}

const refused = ['rejected'];
const either = ['ready', 'rejected'];

export async function hostilePictures(short: boolean): Promise<HostilePicture[]> {
  const small = await photo({ seed: 1, width: 640, height: 480 });
  const formats = await Promise.all(
    (['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const).map(async (format) => ({
      format,
      content: await sharp(small).toFormat(format).toBuffer(),
    })),
  );
  return [
    ...bombs(),
    ...formats.flatMap((whole) => absurd(whole)),
    ...formats.flatMap((whole) => truncated(whole, short ? 16 : 1)),
    ...polyglots(small),
  ];
}

interface Whole {
  readonly format: string;
  readonly content: Buffer;
}

function bombs(): HostilePicture[] {
  const sides = [
    [20_000, refused],
    [60_000, refused],
    [9_900, ['ready']],
  ] as const;
  return [
    ...sides.map(([side, wanted]) => ({
      what: `PNG of ${String(side)}x${String(side)} in a few KB`,
      content: blankPng(side, side, zeros(side)),
      wanted,
    })),
    {
      what: 'PNG that promises 100 Mpx and has none',
      content: blankPng(10_000, 10_000, deflateSync('')),
      wanted: refused,
    },
    { what: 'GIF with 10 000 frames', content: gifOf(10_000, 640), wanted: ['ready'] },
    // Its decoder does not believe in screens of this size, and takes that of the frame.
    { what: 'GIF of 65535x65535', content: gifOf(1, 65_535), wanted: either },
  ];
}

/** A row is a filter byte and one bit for each pixel. */
const zeros = (side: number): Buffer =>
  deflateSync(Buffer.alloc(side * (1 + Math.ceil(side / 8))), { level: 9 });

function blankPng(width: number, height: number, data: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const chunk = (type: string, content: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    ...[signature, chunk('IHDR', header), chunk('IDAT', data)],
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Frames of one pixel each on a large canvas. */
function gifOf(frames: number, side: number): Buffer {
  const [low, high] = [side & 0xff, side >> 8];
  const head = [...Buffer.from('GIF89a'), low, high, low, high, 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
  const control = [0x21, 0xf9, 4, 0, 1, 0, 0, 0];
  const frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0];
  const one = Buffer.from([...control, ...frame]);
  return Buffer.concat([Buffer.from(head), ...Array<Buffer>(frames).fill(one), Buffer.from([0x3b])]);
}

/** The size in the head says much more than there is. */
function absurd({ format, content }: Whole): HostilePicture[] {
  const copy = Buffer.from(content);
  if (format === 'jpeg') {
    const frame = copy.findIndex(
      (byte, at) => byte === 0xff && /^c[0-2]$/.test((copy[at + 1] ?? 0).toString(16)),
    );
    copy.writeUInt32BE(0xffdcffdc, frame + 5);
  } else if (format === 'png') {
    copy.writeUInt32BE(0x7fffffff, 16);
    copy.writeUInt32BE(0x7fffffff, 20);
  } else if (format === 'webp') {
    // Lossy: 14 bits each, after the start code.
    copy.writeUInt32LE(0x3fff3fff, copy.indexOf(Buffer.from([0x9d, 0x01, 0x2a])) + 3);
  } else if (format === 'avif') {
    const extent = copy.indexOf('ispe');
    copy.writeUInt32BE(0x7fffffff, extent + 8);
    copy.writeUInt32BE(0x7fffffff, extent + 12);
  } else return [];
  return [{ what: `${format} that says it is enormous`, content: copy, wanted: refused }];
}

/** Every `step` KB. What lacks next to nothing may still be shown. */
function truncated({ format, content }: Whole, step: number): HostilePicture[] {
  const kilobytes = Math.floor(content.length / 1024 / step);
  return Array.from({ length: kilobytes }, (_, index) => {
    const length = (index + 1) * step * 1024;
    return {
      what: `${format} cut off at ${String(length)}`,
      content: content.subarray(0, length),
      wanted: either,
    };
  });
}

/** Two things at once: pictures to some, and to others what runs. */
function polyglots(jpeg: Buffer): HostilePicture[] {
  const html = Buffer.from('<html><script>alert(1)</script></html>');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e9"><rect/></svg>');
  const zip = Buffer.concat([Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)]);
  return [
    { what: 'JPEG and archive', content: Buffer.concat([jpeg, zip]), wanted: ['ready'] },
    { what: 'JPEG and page', content: Buffer.concat([jpeg, html]), wanted: ['ready'] },
    { what: 'GIF and script', content: Buffer.from('GIF89a/*\0\0\0\0*/=1;alert(1)'), wanted: refused },
    { what: 'page before a JPEG', content: Buffer.concat([html, jpeg]), wanted: refused },
    { what: 'SVG', content: svg, wanted: refused },
    { what: 'PDF and JPEG', content: Buffer.concat([Buffer.from('%PDF-1.7\n'), jpeg]), wanted: refused },
    { what: 'nothing but a JPEG marker', content: Buffer.from([0xff, 0xd8, 0xff, 0xe0]), wanted: refused },
    {
      what: 'noise behind a PNG signature',
      content: Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        Buffer.alloc(9_000, 7),
      ]),
      wanted: refused,
    },
  ];
}
