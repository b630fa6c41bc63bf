/** Bitmaps: heads that announce more than there is, and run lengths that expand enormously. */
import { either, kept, shown, type HostilePicture } from '../hostile-picture.js';

/** The values of the field `biCompression`. */
const plain = 0;
const runs = 1;

export function bmpBombs(): HostilePicture[] {
  return [
    {
      what: 'BMP that says it has 2147483647x2147483647',
      content: bmp(0x7fffffff, { bits: 24 }),
      allowed: kept,
    },
    { what: 'BMP of 9900x9900 in 54 bytes', content: bmp(9_900, { bits: 24 }), allowed: kept },
    { what: 'BMP of 7000x7000 in 54 bytes', content: bmp(7_000, { bits: 24 }), allowed: either },
    {
      what: 'BMP of 7000x7000 in runs',
      content: bmp(7_000, { bits: 8, compression: runs, pixels: Buffer.alloc(400_000, 0xff) }),
      allowed: shown,
    },
    {
      what: 'BMP whose pixels are far behind its end',
      content: bmp(64, { bits: 24, pixelsAt: 0xffffffff }),
      allowed: either,
    },
  ];
}

interface Bitmap {
  readonly bits: number;
  readonly compression?: number;
  readonly pixels?: Buffer;
  readonly pixelsAt?: number;
}

function bmp(
  side: number,
  { bits, compression = plain, pixels = Buffer.alloc(0), pixelsAt = 54 }: Bitmap,
): Buffer {
  const head = Buffer.alloc(54);
  head.write('BM', 'latin1');
  head.writeUInt32LE(pixelsAt, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(side, 18);
  head.writeInt32LE(side, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  return Buffer.concat([head, pixels]);
}
