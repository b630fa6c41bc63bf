/** AVIF: heads that announce more than there is, and pixels that need fifteen bytes each in the decoder. */
import sharp from 'sharp';

import { either, kept, shown, type HostilePicture } from '../hostile-picture.js';

export async function avifBombs(): Promise<HostilePicture[]> {
  const [small, largest, large] = await Promise.all([64, 2_900, 5_000].map(avifOf));
  if (!small || !largest || !large) throw new Error('an AVIF was not made');
  return [
    // Decoding takes 370 MB, in a separate process.
    { what: 'AVIF of 5000x5000 in 0.5 KB', content: large, allowed: shown },
    { what: 'AVIF of 2900x2900 in 0.5 KB', content: largest, allowed: shown },
    { what: 'AVIF that says it has 3000x3000', content: saying(small, 3_000), allowed: either },
    ...[9_900, 65_535, 0x7fffffff].map((side) => ({
      what: `AVIF that says it has ${String(side)}x${String(side)}`,
      content: saying(small, side),
      allowed: kept,
    })),
  ];
}

/** A picture of one colour. */
export function avifOf(side: number): Promise<Buffer> {
  return sharp({ create: { width: side, height: side, channels: 3, background: '#345' } })
    .avif({ effort: 0 })
    .toBuffer();
}

/** Width and height are in the box `ispe`, after its version. */
function saying(content: Buffer, side: number): Buffer {
  const copy = Buffer.from(content);
  const extent = copy.indexOf('ispe');
  copy.writeUInt32BE(side, extent + 8);
  copy.writeUInt32BE(side, extent + 12);
  return copy;
}
