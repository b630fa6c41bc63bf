/**
 * Reads the coded pixels of a JPEG that is not progressive, without decoding them, to find out whether they
 * are complete and valid, and whether anything stands behind the last one: decoders ignore that.
 */
import { setImmediate } from 'node:timers/promises';

import type { ByteRange } from '../../../domain/media.js';
import { shortBits, wholeBlock, type HuffmanTable } from './huffman.js';
import type { BaselineScan, Frame } from './segments.js';

const blockEdge = 8;
/** The place in a block. */
const coefficients = 64;
/** Read at once: about a millisecond. Others have their turn in between. */
const bytesAtOnce = 131_072;
/** A lookup reads four bytes from its place. */
export const scratchBytes = 4;

/**
 * Whether the coded pixels are exactly those of the picture. `scratch` must be longer than the file by
 * `scratchBytes`.
 */
export async function isExactScan(
  bytes: Buffer,
  { frame, scan, scratch }: { readonly frame: Frame; readonly scan: BaselineScan; readonly scratch: Buffer },
): Promise<boolean> {
  const blocks = blocksOfUnit(frame, scan);
  let left = unitsIn(frame);
  for (const [index, piece] of scan.pieces.entries()) {
    const isLast = index === scan.pieces.length - 1;
    const units = isLast ? left : scan.restartInterval;
    if (units > left || units === 0 || (scan.restartInterval > 0 && units > scan.restartInterval))
      return false;
    if (!(await isExactPiece(unescaped(bytes, piece, scratch), blocks, units))) return false;
    left -= units;
  }
  return left === 0;
}

type BlockTables = BaselineScan['tables'][number];

/** The tables of each block in a unit, in their order. */
function blocksOfUnit({ components }: Frame, { tables }: BaselineScan): BaselineScan['tables'] {
  // A single component is not interleaved: each block is a unit.
  if (components.length === 1) return tables;
  return components.flatMap(({ across, down }, index) =>
    Array.from({ length: across * down }, () => tables[index]).filter((table) => table !== undefined),
  );
}

function unitsIn({ width, height, components }: Frame): number {
  const [first] = components;
  const isInterleaved = components.length > 1;
  const across = blockEdge * (isInterleaved ? (first?.across ?? 1) : 1);
  const down = blockEdge * (isInterleaved ? (first?.down ?? 1) : 1);
  return Math.ceil(width / across) * Math.ceil(height / down);
}

/** The bytes without the zero that follows each 0xff, and some zeros behind them. */
function unescaped(bytes: Buffer, { start, end }: ByteRange, scratch: Buffer): Buffer {
  let length = 0;
  for (let at = start; at <= end;) {
    const escape = bytes.indexOf(0xff, at);
    const stop = escape < 0 || escape > end ? end : escape;
    length += bytes.copy(scratch, length, at, stop + 1);
    at = stop + 2;
  }
  return scratch.fill(0, length, length + scratchBytes).subarray(0, length + scratchBytes);
}

async function isExactPiece(plain: Buffer, blocks: BaselineScan['tables'], units: number): Promise<boolean> {
  const bits = new DataView(plain.buffer, plain.byteOffset, plain.length);
  const totalBits = (plain.length - scratchBytes) * 8;
  let bit = 0;
  let until = bytesAtOnce * 8;
  for (let unit = 0; unit < units; unit++) {
    for (const tables of blocks) bit = bit < totalBits ? afterBlock(bits, bit, tables) : Infinity;
    if (bit > totalBits) return false;
    if (bit < until) continue;
    await setImmediate();
    until = bit + bytesAtOnce * 8;
  }
  return totalBits - bit < 8;
}

/** The place of the first bit behind a block; infinite if a code is not valid, or if bits are missing. */
function afterBlock(bits: DataView, start: number, { dc, ac }: BlockTables): number {
  const last = (bits.byteLength - scratchBytes) * 8;
  const average = meaningOf(bitsAt(bits, start), dc);
  if (average === 0) return Infinity;
  let bit = start + (average >> 8);
  for (let place = 1; place < coefficients;) {
    if (bit >= last) return Infinity;
    const meaning = meaningOf(bitsAt(bits, bit), ac);
    if (meaning === 0) return Infinity;
    bit += meaning >> 8;
    place += meaning & 0xff;
    if (place > coefficients && (meaning & 0xff) !== wholeBlock) return Infinity;
  }
  return bit;
}

/** The next 16 bits. */
function bitsAt(bits: DataView, bit: number): number {
  return (bits.getInt32(bit >> 3) << (bit & 7)) >>> 16;
}

function meaningOf(next: number, { short, long }: HuffmanTable): number {
  const meaning = short[next >> (16 - shortBits)] ?? 0;
  return meaning === 0 && long ? (long[next] ?? 0) : meaning;
}
