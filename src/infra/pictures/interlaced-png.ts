/**
 * Completes interlaced PNG files: libvips refuses incomplete ones, while browsers show the existing passes.
 * They are encoded again without interlacing; each missing pixel copies its neighbour of an earlier pass.
 */
import { once } from 'node:events';
import { createInflate, deflateSync } from 'node:zlib';

import { pngChunk, pngChunks, pngSignatureBytes, type PngChunk } from './png-chunks.js';

interface Head {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly colourType: number;
  /** The bits of one pixel. */
  readonly pixelBits: number;
}

/** The position of a pass's pixels: the first one, and the distance between them. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  /** The size of the block that a pixel represents until the next passes arrive. */
  readonly blockX: number;
  readonly blockY: number;
}

const passes: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8, blockX: 8, blockY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8, blockX: 4, blockY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8, blockX: 4, blockY: 4 },
  { x: 2, y: 0, stepX: 4, stepY: 4, blockX: 2, blockY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4, blockX: 2, blockY: 2 },
  { x: 1, y: 0, stepX: 2, stepY: 2, blockX: 1, blockY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2, blockX: 1, blockY: 1 },
];

/** Samples per pixel, by colour type. */
const samplesOf: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);
const greyType = 0;
const depths = [1, 2, 4, 8, 16];
/** Chunks that affect how pixels are displayed. */
const keptChunks = new Set(['PLTE', 'tRNS', 'sRGB', 'gAMA', 'cHRM', 'iCCP']);
/** The limit for pixels, which are copied one by one in JavaScript. */
const maxBytes = 64_000_000;

/** Undefined for other files, for files that are too large, and if even the first pixels are missing. */
export async function withoutInterlacing(bytes: Buffer): Promise<Buffer | undefined> {
  const chunks = [...pngChunks(bytes)];
  const head = headOf(chunks);
  if (!head) return undefined;
  const data = await inflated(
    chunks.filter(({ name }) => name === 'IDAT').map((chunk) => chunk.data),
    head,
  );
  if (data.length < 2) return undefined;
  const bits = Math.max(head.bits, 8);
  const headData = Buffer.alloc(13);
  headData.writeUInt32BE(head.width, 0);
  headData.writeUInt32BE(head.height, 4);
  headData.set([bits, head.colourType], 8);
  return Buffer.concat([
    bytes.subarray(0, pngSignatureBytes),
    pngChunk({ name: 'IHDR', data: headData }),
    ...chunks.filter(({ name }) => keptChunks.has(name)).map(pngChunk),
    pngChunk({ name: 'IDAT', data: deflateSync(rowsOf(data, head), { level: 1 }) }),
    pngChunk({ name: 'IEND', data: Buffer.alloc(0) }),
  ]);
}

function headOf(chunks: readonly PngChunk[]): Head | undefined {
  const data = chunks.find(({ name }) => name === 'IHDR')?.data;
  if (data?.length !== 13 || data[12] !== 1) return undefined;
  const bits = data.readUInt8(8);
  const colourType = data.readUInt8(9);
  const samples = samplesOf.get(colourType);
  const width = data.readUInt32BE(0);
  const height = data.readUInt32BE(4);
  if (samples === undefined || !depths.includes(bits)) return undefined;
  const head: Head = { width, height, bits, colourType, pixelBits: bits * samples };
  const size = width * height * bytesOf(head);
  return size > 0 && size <= maxBytes ? head : undefined;
}

/** The bytes of one pixel, which is expanded to at least a byte. */
function bytesOf({ bits, pixelBits }: Head): number {
  return bits < 8 ? 1 : pixelBits / 8;
}

function columnsOf({ width }: Head, { x, stepX }: Pass): number {
  return Math.ceil((width - x) / stepX);
}

function linesOf({ height }: Head, { y, stepY }: Pass): number {
  return Math.ceil((height - y) / stepY);
}

/** The bytes of a row in a pass, without the byte that specifies the prediction. */
function rowBytesOf(head: Head, pass: Pass): number {
  return Math.ceil((columnsOf(head, pass) * head.pixelBits) / 8);
}

/** Decompresses as much as is complete and valid. */
async function inflated(parts: readonly Buffer[], head: Head): Promise<Buffer> {
  const expectedBytes = passes.reduce(
    (sum, pass) => sum + linesOf(head, pass) * (1 + rowBytesOf(head, pass)),
    0,
  );
  const chunks: Buffer[] = [];
  let bytes = 0;
  const inflate = createInflate();
  inflate.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= expectedBytes) inflate.destroy();
  });
  // Truncated or damaged data also ends the stream.
  inflate.on('error', () => undefined);
  const closed = once(inflate, 'close').catch(() => undefined);
  for (const part of parts) inflate.write(part);
  inflate.end();
  await closed;
  return Buffer.concat(chunks);
}

/** All rows of the picture, each after a byte that specifies no prediction. */
function rowsOf(data: Buffer, head: Head): Buffer {
  const rowBytes = 1 + head.width * bytesOf(head);
  const rows = Buffer.alloc(rowBytes * head.height);
  let at = 0;
  for (const pass of passes) {
    const length = rowBytesOf(head, pass);
    let above = Buffer.alloc(length);
    for (let line = 0; columnsOf(head, pass) > 0 && line < linesOf(head, pass); line++) {
      if (at + 1 + length > data.length) return rows;
      const row = Buffer.from(data.subarray(at + 1, at + 1 + length));
      if (!unpredict(row, { filter: data[at] ?? 0, above, step: Math.max(1, head.pixelBits / 8) }))
        return rows;
      copyRow(row, { head, pass, line, rows, rowBytes });
      above = row;
      at += 1 + length;
    }
  }
  return rows;
}

interface Prediction {
  readonly filter: number;
  /** The row above it. */
  readonly above: Buffer;
  /** The distance to the same byte of the previous pixel. */
  readonly step: number;
}

/** PNG, third edition, 9.2. Returns false for an unknown prediction. */
function unpredict(row: Buffer, { filter, above, step }: Prediction): boolean {
  if (filter > 4) return false;
  for (let at = 0; at < row.length; at++) {
    const left = at < step ? 0 : (row[at - step] ?? 0);
    const up = above[at] ?? 0;
    const upLeft = at < step ? 0 : (above[at - step] ?? 0);
    const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, upLeft)][filter] ?? 0;
    row[at] = ((row[at] ?? 0) + predicted) & 255;
  }
  return true;
}

function paeth(left: number, up: number, upLeft: number): number {
  const guess = left + up - upLeft;
  const byLeft = Math.abs(guess - left);
  const byUp = Math.abs(guess - up);
  const byBoth = Math.abs(guess - upLeft);
  if (byLeft <= byUp && byLeft <= byBoth) return left;
  return byUp <= byBoth ? up : upLeft;
}

interface Target {
  readonly head: Head;
  readonly pass: Pass;
  readonly line: number;
  readonly rows: Buffer;
  readonly rowBytes: number;
}

/** Each pixel fills the block that it represents. */
function copyRow(row: Buffer, { head, pass, line, rows, rowBytes }: Target): void {
  const size = bytesOf(head);
  const top = pass.y + line * pass.stepY;
  const bottom = Math.min(top + pass.blockY, head.height);
  for (let column = 0; column < columnsOf(head, pass); column++) {
    const left = pass.x + column * pass.stepX;
    const right = Math.min(left + pass.blockX, head.width);
    const pixel = head.bits < 8 ? Buffer.from([sampleAt(row, column, head)]) : undefined;
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) {
        const to = y * rowBytes + 1 + x * size;
        if (pixel) rows[to] = pixel[0] ?? 0;
        else row.copy(rows, to, column * size, column * size + size);
      }
  }
}

/** One of several samples in a byte: an index into the palette, or a grey value. */
function sampleAt(row: Buffer, column: number, { bits, colourType }: Head): number {
  const at = column * bits;
  const value = ((row[at >> 3] ?? 0) >> (8 - bits - (at & 7))) & (2 ** bits - 1);
  return colourType === greyType ? Math.round((value * 255) / (2 ** bits - 1)) : value;
}
