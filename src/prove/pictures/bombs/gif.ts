/** GIF: frames cost their sender nothing. */
import { either, shown, type HostilePicture } from '../hostile-picture.js';

export function gifBombs(): HostilePicture[] {
  return [
    { what: 'GIF with 10 000 frames', content: gifOf(10_000, 640), allowed: shown },
    // The decoder ignores screens of this size and uses that of the frame.
    { what: 'GIF of 65535x65535', content: gifOf(1, 65_535), allowed: either },
    { what: 'GIF of 5050x5050 in one frame', content: gifOf(1, 5_050, 5_050), allowed: shown },
    // The decoder holds all pixels at once: 392 MB here.
    { what: 'GIF of 9900x9900 in one frame', content: gifOf(1, 9_900, 9_900), allowed: shown },
  ];
}

/** Frames on a large canvas; one pixel each by default. */
function gifOf(frames: number, canvas: number, side = 1): Buffer {
  const extent = (edge: number): number[] => [edge & 0xff, edge >> 8, edge & 0xff, edge >> 8];
  const head = [...Buffer.from('GIF89a'), ...extent(canvas), 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
  const control = [0x21, 0xf9, 4, 0, 1, 0, 0, 0];
  const place = [0x2c, 0, 0, 0, 0, ...extent(side), 0, 2];
  const one = Buffer.concat([
    Buffer.from([...control, ...place]),
    blocks(sameColour(side * side)),
    Buffer.from([0]),
  ]);
  return Buffer.concat([Buffer.from(head), ...Array<Buffer>(frames).fill(one), Buffer.from([0x3b])]);
}

/**
 * LZW of at least this many equal pixels: each code stands for one pixel more than the previous one, until
 * the table is full (8.4 million pixels in 6 KB).
 */
function sameColour(pixels: number): Buffer {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  const put = (code: number, width: number): void => {
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8) {
      bytes.push(held & 0xff);
      held >>>= 8;
    }
  };
  let width = 3;
  for (let made = 0; made < pixels;) {
    put(clear, width);
    width = 3;
    put(0, width);
    made += 1;
    for (let code = end + 1; code < 4_095 && made < pixels; code += 1) {
      put(code, width);
      made += code - clear;
      if (code + 1 === 2 ** width) width += 1;
    }
  }
  put(end, width);
  put(0, 7);
  return Buffer.from(bytes);
}

const clear = 4;
const end = 5;

/** Blocks of at most 255 bytes, each after its length. */
function blocks(content: Buffer): Buffer {
  const count = Math.ceil(content.length / 255);
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => {
      const part = content.subarray(index * 255, (index + 1) * 255);
      return Buffer.concat([Buffer.from([part.length]), part]);
    }),
  );
}
