/** WebP: equal pixels take no bits at all, and a picture of any size has 30 bytes. */
import { kept, shown, type HostilePicture } from '../hostile-picture.js';

/** `many` is the number of repetitions, which cost the sender next to nothing. */
export function webpBombs(many = 20_000): HostilePicture[] {
  return [
    { what: 'WebP of 16383x16383 in 30 bytes', content: riff(lossless(16_383)), allowed: kept },
    // The decoder holds all pixels at once: 392 MB here.
    { what: 'WebP of 9900x9900 in 30 bytes', content: riff(lossless(9_900)), allowed: shown },
    { what: 'WebP of 5650x5650 in 30 bytes', content: riff(lossless(5_650)), allowed: shown },
    { what: `WebP with ${String(many)} frames of 2000x2000`, content: animated(many, 2_000), allowed: shown },
    { what: 'WebP of 16383x16383 with 1 000 frames', content: animated(1_000, 16_383), allowed: kept },
  ];
}

function chunk(name: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from(name, 'latin1'), length, content, Buffer.alloc(content.length % 2)]);
}

function riff(...chunks: readonly Buffer[]): Buffer {
  return chunk('RIFF', Buffer.concat([Buffer.from('WEBP', 'latin1'), ...chunks]));
}

/**
 * After size and version: no transform, no cache, one group of five codes, each with one symbol and thus
 * without bits.
 */
function lossless(side: number): Buffer {
  const fields: readonly (readonly [value: number, bits: number])[] = [
    [0x2f, 8],
    [side - 1, 14],
    [side - 1, 14],
    [0, 4],
    [0, 1],
    [0, 1],
    [0, 1],
    ...Array.from({ length: 5 }, () => [0b0001, 4] as const),
  ];
  let value = 0n;
  let at = 0n;
  for (const [field, bits] of fields) {
    value |= BigInt(field) << at;
    at += BigInt(bits);
  }
  const content = Buffer.alloc(16);
  for (let index = 0; index < content.length; index += 1)
    content[index] = Number((value >> BigInt(8 * index)) & 0xffn);
  return chunk('VP8L', content);
}

function animated(frames: number, side: number): Buffer {
  const extent = Buffer.alloc(6);
  extent.writeUIntLE(side - 1, 0, 3);
  extent.writeUIntLE(side - 1, 3, 3);
  const place = Buffer.alloc(6);
  const duration = Buffer.from([100, 0, 0, 0]);
  const frame = chunk('ANMF', Buffer.concat([place, extent, duration, lossless(side)]));
  return riff(
    chunk('VP8X', Buffer.concat([Buffer.from([0x02, 0, 0, 0]), extent])),
    chunk('ANIM', Buffer.alloc(6)),
    ...Array<Buffer>(frames).fill(frame),
  );
}
