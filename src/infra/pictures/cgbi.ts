/**
 * Decodes PNG files that Apple's tools make for apps (chunk `CgBI`), which only Apple's decoder reads. Their
 * pixels are compressed without the zlib head, have blue first, and are premultiplied by their opacity.
 */
import { constants, deflateSync, inflateRawSync } from 'node:zlib';

import { pngChunk, pngChunks, pngSignatureBytes } from './png-chunks.js';

/** The number of channels by the colour type in the head. */
const channelsOf: ReadonlyMap<number, number> = new Map([
  [2, 3],
  [6, 4],
]);
/** Chunks that concern the pixels, which are encoded again; texts and times are dropped. */
const keptChunks = new Set(['IHDR', 'sRGB', 'gAMA', 'cHRM', 'iCCP']);

export function isCgbi(bytes: Buffer): boolean {
  return bytes.toString('latin1', pngSignatureBytes + 4, pngSignatureBytes + 8) === 'CgBI';
}

/**
 * Returns the picture as an ordinary PNG, whose pixels are still premultiplied. Undefined if it cannot be
 * converted or has too many pixels.
 */
export function plainPng(bytes: Buffer, maxPixels: number): Buffer | undefined {
  const chunks = [...pngChunks(bytes)];
  const head = chunks.find(({ name }) => name === 'IHDR')?.data;
  if (head?.length !== 13) return undefined;
  const width = head.readUInt32BE(0);
  const height = head.readUInt32BE(4);
  const channels = channelsOf.get(head[9] ?? 0);
  const isUsual = head[8] === 8 && head[12] === 0;
  if (!isUsual || channels === undefined || width * height > maxPixels) return undefined;
  const rowBytes = 1 + width * channels;
  const packed = Buffer.concat(chunks.filter(({ name }) => name === 'IDAT').map(({ data }) => data));
  const rows = inflateRawSync(packed, {
    // Truncated data only lacks the rows at the bottom.
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: rowBytes * height,
  });
  swapColours(rows, rowBytes, channels);
  const pixels = deflateSync(rows, { level: constants.Z_BEST_SPEED });
  return Buffer.concat([
    bytes.subarray(0, pngSignatureBytes),
    ...chunks.filter(({ name }) => keptChunks.has(name)).map(pngChunk),
    pngChunk({ name: 'IDAT', data: pixels }),
    pngChunk({ name: 'IEND', data: Buffer.alloc(0) }),
  ]);
}

/** Each byte of a row is predicted from bytes of the same colour, so the rows need not be decoded. */
function swapColours(rows: Buffer, rowBytes: number, channels: number): void {
  for (let row = 0; row < rows.length; row += rowBytes) {
    const end = Math.min(row + rowBytes, rows.length);
    for (let at = row + 1; at + 2 < end; at += channels) {
      const blue = rows[at] ?? 0;
      rows[at] = rows[at + 2] ?? 0;
      rows[at + 2] = blue;
    }
  }
}
