/** The tables of Huffman codes in a JPEG file. */

/**
 * What a code means, by its first bits: `(bits << 8) | step`. `bits` is the length of the code together with
 * the value that follows it, `step` the number of coefficients that it accounts for. 0 if there is no such
 * code, or if the code is longer.
 */
export interface HuffmanTable {
  /** The symbols by the first 9 bits. */
  readonly short: Uint16Array;
  /** The symbols of longer codes by the first 16 bits. Undefined if there are none. */
  readonly long: Uint16Array | undefined;
}

export const shortBits = 9;
const longBits = 16;
const lengthsBytes = 16;
/** Two classes of four tables each. */
const knownIdBits = 0x13;
/** The ids of the tables for coefficients other than averages begin here. */
export const acClass = 0x10;
/** The step of a code that ends its block. */
export const wholeBlock = 64;
const maxDcValueBits = 11;
const maxAcValueBits = 10;

/** A table as it is in the file. */
export interface HuffmanCodes {
  /** The class (0: averages, 1: other coefficients) in the upper four bits, the number in the lower ones. */
  readonly id: number;
  /** The number of codes of each length, from 1 bit to 16. */
  readonly lengths: Uint8Array;
  /** The value of each code. */
  readonly values: Uint8Array;
}

/** The tables of a segment; undefined if they are not complete. */
export function huffmanCodesIn(data: Buffer): readonly HuffmanCodes[] | undefined {
  const tables: HuffmanCodes[] = [];
  for (let at = 0; at < data.length;) {
    const id = data.readUInt8(at);
    const lengths = data.subarray(at + 1, at + 1 + lengthsBytes);
    const count = lengths.reduce((sum, codes) => sum + codes, 0);
    const values = data.subarray(at + 1 + lengthsBytes, at + 1 + lengthsBytes + count);
    const isComplete = lengths.length === lengthsBytes && values.length === count && count > 0;
    if (!isComplete || (id & ~knownIdBits) !== 0) return undefined;
    tables.push({ id, lengths, values });
    at += 1 + lengthsBytes + count;
  }
  return tables.length > 0 ? tables : undefined;
}

/**
 * The table for looking up the codes of a picture that is not progressive. Undefined if the codes are not
 * valid.
 */
export function huffmanTable({ id, lengths, values }: HuffmanCodes): HuffmanTable | undefined {
  const hasLongCodes = lengths.subarray(shortBits).some((codes) => codes > 0);
  const short = new Uint16Array(1 << shortBits);
  const long = hasLongCodes ? new Uint16Array(1 << longBits) : undefined;
  const meaningOf = id < acClass ? dcMeaning : acMeaning;
  for (const { code, length, value } of codesOf(lengths, values)) {
    const meaning = meaningOf(length, value);
    if (meaning === undefined || code >= 1 << length) return undefined;
    if (length <= shortBits) fill(short, shortBits - length, { code, meaning });
    else if (long) fill(long, longBits - length, { code, meaning });
  }
  return { short, long };
}

interface Code {
  readonly code: number;
  /** The number of bits. */
  readonly length: number;
  readonly value: number;
}

/** ITU-T T.81, annex C: codes of the same length are consecutive numbers. */
function* codesOf(lengths: Uint8Array, values: Uint8Array): Generator<Code> {
  let code = 0;
  let index = 0;
  for (const [place, count] of lengths.entries()) {
    for (let left = count; left > 0; left--) {
      yield { code, length: place + 1, value: values[index] ?? 0 };
      code++;
      index++;
    }
    code <<= 1;
  }
}

/** A code stands at the beginning of the looked up bits; any bits may follow it. */
function fill(
  table: Uint16Array,
  spareBits: number,
  { code, meaning }: { readonly code: number; readonly meaning: number },
): void {
  table.fill(meaning, code << spareBits, (code + 1) << spareBits);
}

function dcMeaning(length: number, value: number): number | undefined {
  return value > maxDcValueBits ? undefined : ((length + value) << 8) | 1;
}

/** The upper half is a number of zeros, the lower half the bits of the value behind them. */
function acMeaning(length: number, value: number): number | undefined {
  const zeros = value >> 4;
  const valueBits = value & 15;
  if (valueBits > maxAcValueBits) return undefined;
  if (valueBits > 0) return ((length + valueBits) << 8) | (zeros + 1);
  if (zeros === 0) return (length << 8) | wholeBlock;
  return zeros === 15 ? (length << 8) | 16 : undefined;
}
