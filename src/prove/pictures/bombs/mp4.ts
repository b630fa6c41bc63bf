/** Videos under the name of pictures, whose frames are taken by ffmpeg where there is one. */
import { box, nested } from './boxes.js';
import { kept, type HostilePicture } from '../hostile-picture.js';

export function mp4Bombs(): HostilePicture[] {
  const endless = box('moov', box('mvhd', Buffer.alloc(100)));
  endless.writeUInt32BE(0xffffffff, 0);
  return [
    { what: 'MP4 without anything', content: Buffer.concat([brand, box('moov')]), wanted: kept },
    { what: 'MP4 whose list has 4 GB', content: Buffer.concat([brand, endless]), wanted: kept },
    {
      what: 'MP4 with boxes in boxes, 100 000 deep',
      content: Buffer.concat([brand, nested('moov')]),
      wanted: kept,
    },
    {
      what: 'MP4 of noise',
      content: Buffer.concat([brand, box('moov', Buffer.alloc(1_000_000, 0x5a))]),
      wanted: kept,
    },
  ];
}

const brand = box('ftyp', 'isom\0\0\0\0isommp42');
