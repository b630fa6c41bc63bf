/** PNG: a kilobyte decompresses to a megabyte of pixels or texts. */
import { crc32, deflateSync } from 'node:zlib';

import { either, kept, shown, type HostilePicture } from '../hostile-picture.js';

const grey = { bits: 1, colours: 0, channels: 1 };
const deepColours = { bits: 16, colours: 6, channels: 4 };
const inPasses = (side: number): Buffer =>
  png({ width: side, height: side, ...deepColours, interlaced: true });

export function pngBombs(): HostilePicture[] {
  const sides = [
    [20_000, kept],
    [60_000, kept],
    [9_900, shown],
  ] as const;
  const nothing = zeros(200_000_000);
  const small = { width: 16, height: 16, ...grey };
  return [
    ...sides.map(([side, allowed]) => ({
      what: `PNG of ${String(side)}x${String(side)} in a few KB`,
      content: png({ width: side, height: side, ...grey }),
      allowed,
    })),
    {
      what: 'PNG that promises 100 Mpx and has none',
      content: png({ width: 10_000, height: 10_000, ...grey, data: deflateSync('') }),
      allowed: either,
    },
    // An interlaced picture is held completely: 270 MB here. The smaller one is about the limit.
    { what: 'PNG of 5200x5200 in passes, 64 bits a pixel', content: inPasses(5_200), allowed: shown },
    { what: 'PNG of 3500x3500 in passes, 64 bits a pixel', content: inPasses(3_500), allowed: shown },
    ...(['zTXt', 'iTXt', 'iCCP'] as const).map((type) => ({
      what: `PNG with 200 MB in its ${type}`,
      content: png({ ...small, before: packed(type, nothing) }),
      allowed: either,
    })),
    {
      what: 'PNG with 100 000 words about it',
      content: png({
        ...small,
        before: Buffer.concat(Array<Buffer>(100_000).fill(chunk('tEXt', Buffer.from('k\0v')))),
      }),
      allowed: either,
    },
  ];
}

interface Png {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly colours: number;
  readonly channels: number;
  readonly interlaced?: boolean;
  /** Compressed pixels; by default the necessary number of black ones. */
  readonly data?: Buffer;
  /** Chunks between head and pixels. */
  readonly before?: Buffer;
}

function png(options: Png): Buffer {
  const { width, height, bits, colours, interlaced = false } = options;
  const { data = blackness(options), before = Buffer.alloc(0) } = options;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colours, 0, 0, interlaced ? 1 : 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    before,
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A row is a filter byte and its pixels; interlaced pictures have up to twice as many rows. */
function blackness({ width, height, bits, channels, interlaced = false }: Png): Buffer {
  const rows = height * (1 + Math.ceil((width * bits * channels) / 8));
  return zeros(interlaced ? rows + 2 * (height + width) : rows);
}

/** This many zeros as zlib compresses them. */
function zeros(count: number): Buffer {
  return deflateSync(Buffer.alloc(count), { level: 9 });
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const length = Buffer.alloc(4);
  const sum = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** Everything before the compressed part: a name, and what each of the three chunks has besides. */
const beginnings = { zTXt: 'k\0\0', iTXt: 'k\0\x01\0\0\0', iCCP: 'k\0\0' } as const;

function packed(type: keyof typeof beginnings, content: Buffer): Buffer {
  return chunk(type, Buffer.concat([Buffer.from(beginnings[type], 'latin1'), content]));
}
