/** AVIF: heads that say more than there is, and pixels of which the decoder needs fifteen bytes each. */
import sharp from 'sharp';

import { refused, shown, type HostilePicture } from '../hostile-picture.js';

export async function avifBombs(): Promise<HostilePicture[]> {
  const flat = (side: number): Promise<Buffer> =>
    sharp({ create: { width: side, height: side, channels: 3, background: '#345' } })
      .avif({ effort: 0 })
      .toBuffer();
  const [small, largest, large] = await Promise.all([64, 2_900, 5_000].map(flat));
  if (!small || !largest || !large) throw new Error('an AVIF was not made');
  return [
    // Decoded, it takes 370 MB here.
    { what: 'AVIF of 5000x5000 in 0.5 KB', content: large, wanted: refused },
    { what: 'AVIF of 2900x2900 in 0.5 KB', content: largest, wanted: shown },
    ...[3_000, 9_900, 65_535, 0x7fffffff].map((side) => ({
      what: `AVIF that says it has ${String(side)}x${String(side)}`,
      content: saying(small, side),
      wanted: refused,
    })),
  ];
}

/** Width and height are in the box `ispe`, after its version. */
function saying(content: Buffer, side: number): Buffer {
  const copy = Buffer.from(content);
  const extent = copy.indexOf('ispe');
  copy.writeUInt32BE(side, extent + 8);
  copy.writeUInt32BE(side, extent + 12);
  return copy;
}
