/**
 * JPEG: a block of 64 pixels in two bits, and in a progressive one 16 384 blocks in 15 bits, again and again.
 */
import { either, kept, shown, type HostilePicture } from '../hostile-picture.js';

export function jpegBombs(): HostilePicture[] {
  const small = { width: 64, height: 64 };
  const middling = { width: 4_000, height: 4_000 };
  return [
    {
      what: 'JPEG of 65500x65500',
      content: jpeg({ width: 65_500, height: 65_500 }).subarray(0, 1_000_000),
      allowed: kept,
    },
    { what: 'JPEG of 9900x9900', content: jpeg({ width: 9_900, height: 9_900 }), allowed: shown },
    // All its coefficients are held at once: 588 MB here.
    {
      what: 'JPEG of 9900x9900 in 10 passes',
      content: jpeg({ width: 9_900, height: 9_900, passes: 10 }),
      allowed: shown,
    },
    {
      what: 'JPEG of 4000x4000 in 5 000 passes',
      content: jpeg({ ...middling, passes: 5_000 }),
      allowed: kept,
    },
    { what: 'JPEG of 4000x4000 in 99 passes', content: jpeg({ ...middling, passes: 99 }), allowed: shown },
    {
      what: 'JPEG of 4600x4600 in 10 passes',
      content: jpeg({ width: 4_600, height: 4_600, passes: 9 }),
      allowed: shown,
    },
    {
      what: 'JPEG with 20 MB of metadata',
      content: jpeg({ ...small, before: Buffer.concat(Array.from({ length: 300 }, () => exif(65_000))) }),
      allowed: either,
    },
    {
      what: 'JPEG with a colour profile of 16 MB',
      content: jpeg({
        ...small,
        before: Buffer.concat(Array.from({ length: 255 }, (_, index) => profile(index + 1))),
      }),
      allowed: either,
    },
    {
      what: 'JPEG whose metadata lead back to themselves',
      content: jpeg({ ...small, before: exif(100) }),
      allowed: either,
    },
  ];
}

interface Jpeg {
  readonly width: number;
  readonly height: number;
  /** Absent for a baseline JPEG. */
  readonly passes?: number;
  /** Segments between the first marker and the picture. */
  readonly before?: Buffer;
}

const components = [1, 2, 3];

function jpeg({ width, height, passes = 0, before = Buffer.alloc(0) }: Jpeg): Buffer {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const size = [height >> 8, height & 0xff, width >> 8, width & 0xff];
  const frame = [8, ...size, 3, ...components.flatMap((id) => [id, 0x11, 0])];
  // One code of one bit in each table: no difference, and end of block, or the longest run of ended blocks.
  const table = (place: number, symbol: number): Buffer =>
    segment(0xc4, [place, 1, ...Array<number>(15).fill(0), symbol]);
  const isProgressive = passes > 0;
  const bitsOfBlock = isProgressive ? 1 : 2;
  const first = scan(components, [0, isProgressive ? 0 : 63], Math.ceil((3 * blocks * bitsOfBlock) / 8));
  const again = scan([1], [1, 63], Math.ceil((Math.ceil(blocks / 16_384) * 15) / 8));
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    before,
    segment(0xdb, [0, ...Array<number>(64).fill(1)]),
    segment(isProgressive ? 0xc2 : 0xc0, frame),
    table(0x00, 0),
    table(0x10, isProgressive ? 0xe0 : 0),
    first,
    ...Array<Buffer>(passes).fill(again),
    Buffer.from([0xff, 0xd9]),
  ]);
}

function segment(marker: number, content: readonly number[] | Buffer): Buffer {
  const length = content.length + 2;
  return Buffer.concat([Buffer.from([0xff, marker, length >> 8, length & 0xff]), Buffer.from(content)]);
}

/** Only zero bits: every code is one of them. */
function scan(of: readonly number[], [from, to]: readonly [number, number], bytes: number): Buffer {
  const head = [of.length, ...of.flatMap((id) => [id, 0]), from, to, 0];
  return Buffer.concat([segment(0xda, head), Buffer.alloc(bytes)]);
}

/** A directory with one entry that points to the directory itself. */
function exif(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  content.write('Exif\0\0II*\0', 'latin1');
  content.writeUInt32LE(8, 10);
  content.writeUInt16LE(1, 14);
  // ExifIFD, one long: the position of the directory that contains it.
  content.writeUInt16LE(0x8769, 16);
  content.writeUInt16LE(4, 18);
  content.writeUInt32LE(1, 20);
  content.writeUInt32LE(8, 24);
  content.writeUInt32LE(8, 28);
  return segment(0xe1, content);
}

function profile(number: number): Buffer {
  return segment(
    0xe2,
    Buffer.concat([
      Buffer.from('ICC_PROFILE\0', 'latin1'),
      Buffer.from([number, 255]),
      Buffer.alloc(65_000, 1),
    ]),
  );
}
