/**
 * Reads the structure of a JPEG file strictly. Whatever is unusual, although decoders may accept it, makes
 * the file unknown: the caller then encodes its pixels anew, which is always safe.
 */
import type { ByteRange } from '../../../domain/media.js';
import { hasUprightOrientation } from './exif.js';
import { acClass, huffmanCodesIn, huffmanTable, type HuffmanCodes, type HuffmanTable } from './huffman.js';
import { createProgression, type Progression } from './progression.js';

/** One colour of the picture. */
interface Component {
  readonly id: number;
  /** How many blocks of 8x8 pixels a unit of the scan has, across and down. */
  readonly across: number;
  readonly down: number;
  readonly quantization: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly isProgressive: boolean;
  readonly components: readonly Component[];
}

/** The coded pixels of a picture that is not progressive. */
export interface BaselineScan {
  /** One entry for each component, in the order of the frame. */
  readonly tables: readonly { readonly dc: HuffmanTable; readonly ac: HuffmanTable }[];
  /** The coded pixels, split at the restart markers. */
  readonly pieces: readonly ByteRange[];
  /** The number of units in each piece but the last; 0 if there is one piece. */
  readonly restartInterval: number;
}

export interface Jpeg {
  readonly frame: Frame;
  /** Undefined for a progressive picture. */
  readonly baseline: BaselineScan | undefined;
  readonly passes: number;
  /** The colour profile. */
  readonly profile: Buffer | undefined;
  /** The parts of the file without metadata and without anything behind the end marker. */
  readonly kept: readonly ByteRange[];
}

class Unusual extends Error {}

/** Checks a condition that the file must meet. */
function expectThat(condition: boolean): asserts condition {
  if (!condition) throw new Unusual();
}

/**
 * Undefined for a file that is not an ordinary JPEG with 8 bits, in grey or in three colours, and upright.
 */
export function readJpeg(bytes: Buffer): Jpeg | undefined {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof Unusual) return undefined;
    throw error;
  }
}

const startOfImage = 0xffd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;

interface Reading {
  readonly bytes: Buffer;
  readonly kept: ByteRange[];
  readonly quantization: Set<number>;
  /** The tables by class and number, as in the file. */
  readonly huffman: Map<number, HuffmanCodes>;
  readonly progression: Progression;
  frame: Frame | undefined;
  jfif: boolean;
  exif: boolean;
  /** The colour transformation that Adobe's segment names. */
  adobe: number | undefined;
  profile: Buffer | undefined;
  restartInterval: number;
  passes: number;
  baseline: BaselineScan | undefined;
}

function read(bytes: Buffer): Jpeg {
  expectThat(bytes.length > 4 && bytes.readUInt16BE(0) === startOfImage);
  const reading: Reading = {
    bytes,
    kept: [],
    quantization: new Set(),
    huffman: new Map(),
    progression: createProgression(),
    frame: undefined,
    jfif: false,
    exif: false,
    adobe: undefined,
    profile: undefined,
    restartInterval: 0,
    passes: 0,
    baseline: undefined,
  };
  keep(reading, { start: 0, end: 1 });
  const end = readSegments(reading);
  keep(reading, { start: end, end: end + 1 });
  const { frame, baseline, passes, profile, kept } = reading;
  expectThat(frame !== undefined && passes > 0);
  expectThat(frame.isProgressive ? reading.progression.isComplete(frame.components.length) : !!baseline);
  expectThat(hasKnownColours(reading, frame) && hasUsedTablesOnly(reading, frame));
  return { frame, baseline, passes, profile, kept };
}

/** Returns the place of the end marker. */
function readSegments(reading: Reading): number {
  const { bytes } = reading;
  for (let at = 2; ;) {
    expectThat(at + 2 <= bytes.length && bytes[at] === 0xff);
    const marker = bytes.readUInt8(at + 1);
    if (marker === endOfImage) return at;
    expectThat(at + 4 <= bytes.length);
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    const readSegment = readerOf(marker);
    expectThat(end >= at + 4 && end <= bytes.length && readSegment !== undefined);
    if (readSegment(reading, bytes.subarray(at + 4, end), marker)) keep(reading, { start: at, end: end - 1 });
    at = marker === startOfScan ? readCodedPixels(reading, end) : end;
  }
}

function keep({ kept }: Reading, { start, end }: ByteRange): void {
  const last = kept.at(-1);
  if (last && last.end + 1 === start) kept[kept.length - 1] = { start: last.start, end };
  else kept.push({ start, end });
}

/** Reads the data of a segment and returns whether the segment is part of the preview. */
type SegmentReader = (reading: Reading, data: Buffer, marker: number) => boolean;

const readers: ReadonlyMap<number, SegmentReader> = new Map<number, SegmentReader>([
  [0xc0, readFrame],
  [0xc2, readFrame],
  [0xc4, readHuffmanTables],
  [startOfScan, readScan],
  [0xdb, readQuantization],
  [0xdd, readRestartInterval],
  [0xe0, readJfif],
  [0xe1, readExif],
  [0xe2, readProfile],
  [0xee, readAdobe],
]);

function readerOf(marker: number): SegmentReader | undefined {
  const isMetadata = (marker & 0xf0) === 0xe0 || marker === 0xfe;
  return readers.get(marker) ?? (isMetadata ? skipMetadata : undefined);
}

/** Metadata between the scans of a progressive picture are unusual. */
function skipMetadata({ passes }: Reading): boolean {
  expectThat(passes === 0);
  return false;
}

function startsWith(data: Buffer, text: string): boolean {
  return data.toString('latin1', 0, text.length) === text;
}

/** JFIF without its own small picture. Its extensions are small pictures only. */
function readJfif(reading: Reading, data: Buffer): boolean {
  if (!startsWith(data, 'JFIF\0')) return skipMetadata(reading);
  expectThat(!reading.jfif && reading.passes === 0 && data.length === 14 && data.readUInt16BE(12) === 0);
  reading.jfif = true;
  return true;
}

function readExif(reading: Reading, data: Buffer): boolean {
  if (!startsWith(data, 'Exif\0')) return skipMetadata(reading);
  expectThat(!reading.exif && hasUprightOrientation(data.subarray(6)));
  reading.exif = true;
  return skipMetadata(reading);
}

const profileHead = 'ICC_PROFILE\0';

/** A profile of several segments is larger than any profile of sRGB. */
function readProfile(reading: Reading, data: Buffer): boolean {
  if (!startsWith(data, profileHead)) return skipMetadata(reading);
  const numbers = data.subarray(profileHead.length, profileHead.length + 2);
  expectThat(!reading.profile && numbers[0] === 1 && numbers[1] === 1);
  reading.profile = data.subarray(profileHead.length + 2);
  return skipMetadata(reading);
}

/** Tells decoders how colours are coded. */
function readAdobe(reading: Reading, data: Buffer): boolean {
  if (!startsWith(data, 'Adobe')) return skipMetadata(reading);
  expectThat(reading.adobe === undefined && reading.passes === 0 && data.length === 12);
  reading.adobe = data.readUInt8(11);
  return true;
}

const samplings = [1, 2];

function readFrame(reading: Reading, data: Buffer, marker: number): boolean {
  expectThat(!reading.frame && data.length >= 6 && data[0] === 8);
  const count = data.readUInt8(5);
  expectThat((count === 1 || count === 3) && data.length === 6 + 3 * count);
  const components = Array.from({ length: count }, (_, index): Component => {
    const at = 6 + 3 * index;
    const sampling = data.readUInt8(at + 1);
    return {
      id: data.readUInt8(at),
      across: sampling >> 4,
      down: sampling & 15,
      quantization: data.readUInt8(at + 2),
    };
  });
  const frame = {
    height: data.readUInt16BE(1),
    width: data.readUInt16BE(3),
    isProgressive: marker === 0xc2,
    components,
  };
  const [first, ...others] = components;
  expectThat(frame.width > 0 && frame.height > 0 && new Set(components.map(({ id }) => id)).size === count);
  expectThat(!!first && samplings.includes(first.across) && samplings.includes(first.down));
  expectThat(others.every(({ across, down }) => across === 1 && down === 1));
  reading.frame = frame;
  return true;
}

/** 64 values of one byte for each table. */
function readQuantization({ quantization, passes }: Reading, data: Buffer): boolean {
  expectThat(passes === 0 && data.length > 0 && data.length % 65 === 0);
  for (let at = 0; at < data.length; at += 65) {
    const id = data.readUInt8(at);
    expectThat(id <= 3 && !quantization.has(id));
    quantization.add(id);
  }
  return true;
}

function readHuffmanTables({ huffman, frame }: Reading, data: Buffer): boolean {
  const tables = huffmanCodesIn(data);
  expectThat(tables !== undefined);
  for (const codes of tables) {
    // Progressive pictures have new tables for each pass.
    expectThat(frame?.isProgressive === true || !huffman.has(codes.id));
    huffman.set(codes.id, codes);
  }
  return true;
}

function readRestartInterval(reading: Reading, data: Buffer): boolean {
  expectThat(reading.passes === 0 && reading.restartInterval === 0 && data.length === 2);
  reading.restartInterval = data.readUInt16BE(0);
  expectThat(reading.restartInterval > 0);
  return true;
}

interface ScanPart {
  readonly component: number;
  /** The ids of its tables. */
  readonly dc: number;
  readonly ac: number;
}

function readScan(reading: Reading, data: Buffer): boolean {
  const { frame } = reading;
  expectThat(frame !== undefined && data.length > 1);
  const count = data.readUInt8(0);
  expectThat(count > 0 && data.length === 4 + 2 * count);
  const parts = scanParts(data, frame);
  const pass = {
    first: data.readUInt8(1 + 2 * count),
    last: data.readUInt8(2 + 2 * count),
    precision: data.readUInt8(3 + 2 * count),
  };
  if (frame.isProgressive) {
    const components = parts.map(({ component }) => component);
    expectThat(reading.progression.add(components, pass));
  } else {
    expectThat(reading.passes === 0 && count === frame.components.length);
    expectThat(pass.first === 0 && pass.last === 63 && pass.precision === 0);
    reading.baseline = { tables: tablesOf(reading, parts), pieces: [], restartInterval: 0 };
  }
  reading.passes += 1;
  return true;
}

/** The components of a scan, in the order of the frame. */
function scanParts(data: Buffer, frame: Frame): readonly ScanPart[] {
  const parts = Array.from({ length: data.readUInt8(0) }, (_, index): ScanPart => {
    const id = data.readUInt8(1 + 2 * index);
    const tables = data.readUInt8(2 + 2 * index);
    return {
      component: frame.components.findIndex((component) => component.id === id),
      dc: tables >> 4,
      ac: tables & 15,
    };
  });
  expectThat(parts.every(({ component }, index) => component > (parts[index - 1]?.component ?? -1)));
  return parts;
}

function tablesOf({ huffman }: Reading, parts: readonly ScanPart[]): BaselineScan['tables'] {
  const used = new Set(parts.flatMap(({ dc, ac }) => [dc, acClass + ac]));
  // Tables without use could contain anything.
  expectThat(used.size === huffman.size);
  const tables = new Map([...huffman.values()].map((codes) => [codes.id, huffmanTable(codes)]));
  return parts.map((part) => {
    const dc = tables.get(part.dc);
    const ac = tables.get(acClass + part.ac);
    expectThat(dc !== undefined && ac !== undefined);
    return { dc, ac };
  });
}

/** More than a large preview has blocks. */
const maxPieces = 65_536;

/** Reads up to the next marker other than a restart; keeps everything before it and returns its place. */
function readCodedPixels(reading: Reading, start: number): number {
  const { bytes, restartInterval } = reading;
  const pieces: ByteRange[] = [];
  let pieceStart = start;
  for (let at = start; ;) {
    at = bytes.indexOf(0xff, at);
    expectThat(at >= 0 && at + 1 < bytes.length);
    const next = bytes.readUInt8(at + 1);
    if (next === 0) {
      at += 2;
      continue;
    }
    pieces.push({ start: pieceStart, end: at - 1 });
    expectThat(pieces.length <= maxPieces);
    const isRestart = next >= 0xd0 && next <= 0xd7;
    if (!isRestart) break;
    expectThat(restartInterval > 0 && next === 0xd0 + ((pieces.length - 1) % 8));
    at += 2;
    pieceStart = at;
  }
  const end = (pieces.at(-1)?.end ?? start) + 1;
  keep(reading, { start, end: end - 1 });
  if (reading.baseline) {
    expectThat(bytes[end + 1] === endOfImage);
    reading.baseline = { tables: reading.baseline.tables, pieces, restartInterval };
  }
  return end;
}

/** Whether all decoders agree on the meaning of the components. */
function hasKnownColours({ jfif, adobe }: Reading, { components }: Frame): boolean {
  if (components.length === 1) return adobe === undefined || adobe === 0;
  if (jfif) return adobe === undefined || adobe === 1;
  if (adobe !== undefined) return adobe <= 1;
  return components.every(({ id }, index) => id === index + 1);
}

/** Whether each table is there and used: one without use could contain anything. */
function hasUsedTablesOnly({ quantization }: Reading, { components }: Frame): boolean {
  const used = new Set(components.map((component) => component.quantization));
  return [...used].every((id) => quantization.has(id)) && used.size === quantization.size;
}
