/** HEIC: files of other formats inside, and endless boxes. */
import { avifOf } from './avif.js';
import { box, nested } from './boxes.js';
import { kept, type HostilePicture } from '../hostile-picture.js';

const many = 1_000_000;

export async function heicBombs(): Promise<HostilePicture[]> {
  const other = Buffer.from(await avifOf(64));
  other.write('heic', 8, 'latin1');
  const enormous = Buffer.from(other);
  enormous.writeUInt32BE(0xffff, enormous.indexOf('ispe') + 8);
  enormous.writeUInt32BE(0xffff, enormous.indexOf('ispe') + 12);
  return [
    { what: 'HEIC that is an AVIF inside', content: other, allowed: kept },
    { what: 'HEIC that says it has 65535x65535', content: enormous, allowed: kept },
    { what: 'HEIC of noise', content: Buffer.concat([brand, Buffer.alloc(100_000, 0xa7)]), allowed: kept },
    {
      what: 'HEIC with a million boxes',
      content: Buffer.concat([
        brand,
        box('meta', Buffer.alloc(4), box('free').toString('latin1').repeat(many)),
      ]),
      allowed: kept,
    },
    {
      what: 'HEIC with boxes in boxes, 100 000 deep',
      content: Buffer.concat([brand, nested('meta')]),
      allowed: kept,
    },
  ];
}

const brand = box('ftyp', 'heic\0\0\0\0mif1heic');
