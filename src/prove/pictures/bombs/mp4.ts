/** Videos announced as pictures, whose frames ffmpeg extracts if it is installed. */
import { box, nested } from './boxes.js';
import { kept, type HostilePicture } from '../hostile-picture.js';

export function mp4Bombs(): HostilePicture[] {
  const endless = box('moov', box('mvhd', Buffer.alloc(100)));
  endless.writeUInt32BE(0xffffffff, 0);
  return [
    { what: 'MP4 without anything', content: Buffer.concat([brand, box('moov')]), allowed: kept },
    { what: 'MP4 whose list has 4 GB', content: Buffer.concat([brand, endless]), allowed: kept },
    {
      what: 'MP4 with boxes in boxes, 100 000 deep',
      content: Buffer.concat([brand, nested('moov')]),
      allowed: kept,
    },
    {
      what: 'MP4 of noise',
      content: Buffer.concat([brand, box('moov', Buffer.alloc(1_000_000, 0x5a))]),
      allowed: kept,
    },
  ];
}

const brand = box('ftyp', 'isom\0\0\0\0isommp42');
