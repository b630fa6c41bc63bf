/**
 * Decodes Windows bitmaps, which phones send by MMS and libvips cannot read: 1 to 32 bits per pixel, with and
 * without a palette, with run lengths or bit fields. Hostile ones can do no harm, because JavaScript only
 * reads within the bytes; `maxPixels` limits the output.
 */
import { AppError } from '../../domain/errors.js';
import { asTiff } from './tiff.js';

export interface DecodedBitmap {
  readonly tiff: Uint8Array<ArrayBuffer>;
  /** Whether pixels were missing; they are black. */
  readonly damaged: boolean;
}

interface BitmapHead {
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly compression: number;
  readonly pixelsAt: number;
  /** Red, green and blue of each colour; empty if pixels contain colours. */
  readonly palette: readonly (readonly number[])[];
  /** The masks of red, green, blue and opacity; empty if pixels are bytes. */
  readonly masks: readonly number[];
}

/** The values of the field `biCompression`. */
const compressions = { none: 0, runs8: 1, runs4: 2, fields: 3, alphaFields: 6 } as const;
const fileHeadBytes = 14;
/** The head of OS/2 1.x, whose sizes have 16 bits and whose palette has three bytes per colour. */
const coreHeadBytes = 12;
const plainHeadBytes = 40;
/** From this size on, the head includes the masks. */
const maskedHeadBytes = 52;
const depths = [1, 2, 4, 8, 16, 24, 32];

export function isBmp(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 2) === 'BM';
}

/** Throws `media.undecodable` or `media.too_many_pixels`. */
export function decodeBmp(bytes: Buffer, maxPixels: number): DecodedBitmap {
  const head = readHead(bytes);
  if (!head) throw new AppError('media.undecodable', 'the picture cannot be decoded');
  if (head.width * head.height > maxPixels)
    throw new AppError('media.too_many_pixels', `the picture has more than ${String(maxPixels)} pixels`);
  const { width, height } = head;
  const channels = (head.masks[3] ?? 0) === 0 ? 3 : 4;
  const pixels = new Uint8Array(width * height * channels);
  const hasRuns = head.compression === compressions.runs8 || head.compression === compressions.runs4;
  const source = hasRuns ? unrolled(bytes, head) : { data: bytes.subarray(head.pixelsAt), bits: head.bits };
  const stride = Math.ceil((width * source.bits) / 32) * 4;
  const copy = pixelCopier({ data: source.data, pixels, channels }, { ...head, bits: source.bits });
  const rows = Math.min(height, Math.ceil(source.data.length / stride));
  for (let row = 0; row < rows; row++) {
    const to = (head.isTopDown ? row : height - 1 - row) * width * channels;
    for (let x = 0; x < width; x++) copy(row * stride, x, to + x * channels);
  }
  const tiff = asTiff({ width, height, channels, premultiplied: false, pixels, profile: new Uint8Array() });
  // The padding of the last row may be missing.
  return { tiff, damaged: source.data.length + 3 < stride * height };
}

function readHead(bytes: Buffer): BitmapHead | undefined {
  if (bytes.length < fileHeadBytes + coreHeadBytes) return undefined;
  const size = bytes.readUInt32LE(fileHeadBytes);
  const sizes = size === coreHeadBytes ? coreSizes(bytes) : infoSizes(bytes);
  if (!sizes || !isPossible(sizes)) return undefined;
  const masks = masksOf(bytes, { ...sizes, size });
  const paletteAt = fileHeadBytes + size + (size === plainHeadBytes ? 4 * masks.length : 0);
  return {
    ...sizes,
    height: Math.abs(sizes.height),
    isTopDown: sizes.height < 0,
    pixelsAt: bytes.readUInt32LE(10),
    palette:
      sizes.bits > 8 ? [] : paletteOf(bytes.subarray(paletteAt), sizes, size === coreHeadBytes ? 3 : 4),
    masks,
  };
}

interface Sizes {
  readonly width: number;
  /** If negative, the first row is the top one. */
  readonly height: number;
  readonly bits: number;
  readonly compression: number;
  /** 0 means as many as the bits can distinguish. */
  readonly colours: number;
}

function isPossible({ width, height, bits }: Sizes): boolean {
  return width > 0 && height !== 0 && depths.includes(bits);
}

function coreSizes(bytes: Buffer): Sizes {
  return {
    width: bytes.readUInt16LE(18),
    height: bytes.readUInt16LE(20),
    bits: bytes.readUInt16LE(24),
    compression: compressions.none,
    colours: 0,
  };
}

function infoSizes(bytes: Buffer): Sizes | undefined {
  if (bytes.length < fileHeadBytes + plainHeadBytes) return undefined;
  const compression = bytes.readUInt32LE(30);
  if (!Object.values<number>(compressions).includes(compression)) return undefined;
  return {
    width: bytes.readInt32LE(18),
    height: bytes.readInt32LE(22),
    bits: bytes.readUInt16LE(28),
    compression,
    colours: bytes.readUInt32LE(46),
  };
}

function masksOf(bytes: Buffer, { size, bits, compression }: Sizes & { readonly size: number }): number[] {
  const hasFields = compression === compressions.fields || compression === compressions.alphaFields;
  if (!hasFields) return bits === 16 ? [0x7c00, 0x03e0, 0x001f] : [];
  const count = compression === compressions.alphaFields || size > maskedHeadBytes ? 4 : 3;
  const at = fileHeadBytes + plainHeadBytes;
  return Array.from({ length: count }, (_, index) =>
    at + 4 * index + 4 <= bytes.length ? bytes.readUInt32LE(at + 4 * index) : 0,
  );
}

function paletteOf(bytes: Buffer, { bits, colours }: Sizes, step: number): number[][] {
  const maxColours = 2 ** bits;
  const count = colours > 0 && colours <= maxColours ? colours : maxColours;
  return Array.from({ length: count }, (_, index) => {
    const at = index * step;
    return [bytes[at + 2] ?? 0, bytes[at + 1] ?? 0, bytes[at] ?? 0];
  });
}

/** Copies the pixel at `x` of the row that begins at `from`. */
type PixelCopier = (from: number, x: number, to: number) => void;

interface Copied {
  readonly data: Uint8Array;
  readonly pixels: Uint8Array;
  readonly channels: 3 | 4;
}

function pixelCopier(copied: Copied, head: BitmapHead): PixelCopier {
  if (head.bits <= 8) return indexedCopier(copied, head);
  return head.masks.length > 0 ? maskedCopier(copied, head) : plainCopier(copied, head);
}

function indexedCopier({ data, pixels }: Copied, { bits, palette }: BitmapHead): PixelCopier {
  const perByte = 8 / bits;
  const black: readonly number[] = [0, 0, 0];
  return (from, x, to) => {
    const byte = data[from + Math.floor(x / perByte)] ?? 0;
    const index = (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1);
    pixels.set(palette[index] ?? black, to);
  };
}

function maskedCopier({ data, pixels, channels }: Copied, { bits, masks }: BitmapHead): PixelCopier {
  const step = bits / 8;
  const readers = masks.slice(0, channels).map(fieldReader);
  return (from, x, to) => {
    let value = 0;
    for (let byte = step - 1; byte >= 0; byte--) value = value * 256 + (data[from + x * step + byte] ?? 0);
    for (const [channel, read] of readers.entries()) pixels[to + channel] = read(value);
  };
}

/** Blue comes first. */
function plainCopier({ data, pixels }: Copied, { bits }: BitmapHead): PixelCopier {
  const step = bits / 8;
  return (from, x, to) => {
    const at = from + x * step;
    pixels[to] = data[at + 2] ?? 0;
    pixels[to + 1] = data[at + 1] ?? 0;
    pixels[to + 2] = data[at] ?? 0;
  };
}

/** Reads the bits of a mask as 8 bits. */
function fieldReader(mask: number): (value: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (value) => Math.round((((value & mask) >>> shift) / most) * 255);
}

/** One byte per pixel, in rows of a multiple of four bytes. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly data: Uint8Array;
  x: number;
  row: number;
}

/** The second byte of a run without pixels; other values count pixels that follow uncompressed. */
const endOfRow = 0;
const endOfPicture = 1;
const jump = 2;

/** Expands run lengths to one byte per pixel. */
function unrolled(bytes: Buffer, head: BitmapHead): { readonly data: Uint8Array; readonly bits: number } {
  const stride = Math.ceil(head.width / 4) * 4;
  const data = new Uint8Array(stride * head.height);
  const canvas: Canvas = { data, stride, width: head.width, height: head.height, x: 0, row: 0 };
  const perByte = head.compression === compressions.runs4 ? 2 : 1;
  for (let at = head.pixelsAt; at + 1 < bytes.length && canvas.row < head.height;) {
    const count = bytes[at] ?? 0;
    const value = bytes[at + 1] ?? 0;
    at += 2;
    if (count > 0) draw(canvas, count, (index) => indexIn(value, index, perByte));
    else if (value === endOfPicture) break;
    else at += escape(canvas, { value, perByte, bytes: bytes.subarray(at) });
  }
  return { data, bits: 8 };
}

interface Escape {
  readonly value: number;
  readonly perByte: number;
  /** The bytes after it. */
  readonly bytes: Buffer;
}

/** Returns the number of bytes that were used. */
function escape(canvas: Canvas, { value, perByte, bytes }: Escape): number {
  if (value === endOfRow) {
    canvas.x = 0;
    canvas.row += 1;
    return 0;
  }
  if (value === jump) {
    canvas.x += bytes[0] ?? 0;
    canvas.row += bytes[1] ?? 0;
    return 2;
  }
  draw(canvas, value, (index) => indexIn(bytes[Math.floor(index / perByte)] ?? 0, index, perByte));
  return Math.ceil(value / perByte / 2) * 2;
}

function draw(canvas: Canvas, count: number, indexAt: (index: number) => number): void {
  for (let index = 0; index < count; index++) {
    if (canvas.x < canvas.width && canvas.row < canvas.height)
      canvas.data[canvas.row * canvas.stride + canvas.x] = indexAt(index);
    canvas.x += 1;
  }
}

/** If a byte contains two pixels, the first has the upper half. */
function indexIn(byte: number, index: number, perByte: number): number {
  if (perByte === 1) return byte;
  return index % 2 === 0 ? byte >> 4 : byte & 15;
}
