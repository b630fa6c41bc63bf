/**
 * TIFF: directories with arbitrary contents and targets, and strips or tiles as large as the whole picture.
 */
import { deflateSync } from 'node:zlib';

import { either, kept, type HostilePicture } from '../hostile-picture.js';

/** `many` is the number of pages that fit into six megabytes. */
export function tiffBombs(many = 50_000): HostilePicture[] {
  const deflated = 8;
  const small = { width: 16, height: 16 };
  const flat = { width: 9_900, height: 9_900, compression: deflated };
  return [
    {
      what: 'TIFF of 2147483647x2147483647',
      content: tiff({ width: 0x7fffffff, height: 0x7fffffff }),
      allowed: kept,
    },
    // One strip with all rows: 294 MB that are decompressed at once.
    {
      what: 'TIFF of 9900x9900 in one strip',
      content: tiff({ ...flat, data: deflateSync(Buffer.alloc(9_900 * 9_900 * 3), { level: 9 }) }),
      allowed: either,
    },
    { what: 'TIFF with tiles of 30000x30000', content: tiff({ ...small, tile: 30_000 }), allowed: either },
    { what: 'TIFF with tiles of 2147483632', content: tiff({ ...small, tile: 0x7ffffff0 }), allowed: kept },
    {
      what: 'TIFF with a tile of 9904x9904',
      content: tiff({
        ...flat,
        tile: 9_904,
        data: deflateSync(Buffer.alloc(9_904 * 9_904 * 3), { level: 9 }),
      }),
      allowed: either,
    },
    {
      what: 'TIFF whose page is followed by itself',
      content: tiff({ ...small, pages: 1, next: 'itself' }),
      allowed: either,
    },
    { what: `TIFF with ${String(many)} pages`, content: tiff({ ...small, pages: many }), allowed: either },
    {
      what: 'TIFF with 5 000 pages, in a circle',
      content: tiff({ ...small, pages: 5_000, next: 'itself' }),
      allowed: either,
    },
    {
      what: 'TIFF with a field of 4 GB',
      content: tiff({ ...small, profileBytes: 0xfffffff0 }),
      allowed: either,
    },
  ];
}

interface Tiff {
  readonly width: number;
  readonly height: number;
  readonly compression?: number;
  /** The edge of a tile; by default there is one strip. */
  readonly tile?: number;
  readonly data?: Buffer;
  readonly pages?: number;
  /** What the last page names as its successor. */
  readonly next?: 'itself';
  /** Announces a colour profile of this many bytes. */
  readonly profileBytes?: number;
}

const short = 3;
const long = 4;
const undefinedType = 7;

/** Eight bits of RGB. The pixels come first, then a directory for each page, all with the same pixels. */
function tiff(options: Tiff): Buffer {
  const { width, height, compression = 1, tile, pages = 1, next, profileBytes } = options;
  const { data = Buffer.alloc(width * height <= 1_000_000 ? width * height * 3 : 1_000) } = options;
  const pieces =
    tile === undefined
      ? ([
          [273, long, 8],
          [278, long, height],
          [279, long, data.length],
        ] as const)
      : ([
          [322, long, tile],
          [323, long, tile],
          [324, long, 8],
          [325, long, data.length],
        ] as const);
  const entries = [
    [256, long, width],
    [257, long, height],
    [258, short, 8],
    [259, short, compression],
    [262, short, 2],
    [277, short, 3],
    ...pieces,
  ] as const;
  const fields = entries.map(([tag, type, value]) => field(tag, type, { count: 1, value })).sort(byTag);
  if (profileBytes !== undefined)
    fields.push(field(34_675, undefinedType, { count: profileBytes, value: 8 }));
  const start = 8 + data.length + (data.length % 2);
  const bytes = 2 + 12 * fields.length + 4;
  const directories = Array.from({ length: pages }, (_, page) => {
    const isLast = page === pages - 1;
    const following = isLast ? (next === 'itself' ? start : 0) : start + (page + 1) * bytes;
    return Buffer.concat([shortOf(fields.length), ...fields, longOf(following)]);
  });
  const head = Buffer.concat([Buffer.from('II*\0', 'latin1'), longOf(start)]);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2), ...directories]);
}

function field(tag: number, type: number, { count, value }: { count: number; value: number }): Buffer {
  return Buffer.concat([shortOf(tag), shortOf(type), longOf(count), longOf(value)]);
}

const byTag = (one: Buffer, other: Buffer): number => one.readUInt16LE(0) - other.readUInt16LE(0);

function shortOf(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function longOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
