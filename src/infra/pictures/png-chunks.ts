/** The chunks of a PNG file (PNG, third edition, 5). */
import { crc32 } from 'node:zlib';

export interface PngChunk {
  readonly name: string;
  readonly data: Buffer;
}

export const pngSignatureBytes = 8;

/** The chunks of a file; the last one may be truncated. Checksums are not verified. */
export function* pngChunks(bytes: Buffer): Generator<PngChunk> {
  for (let at = pngSignatureBytes; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    yield { name: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

/** Encodes a chunk as in a file. */
export function pngChunk({ name, data }: PngChunk): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}
