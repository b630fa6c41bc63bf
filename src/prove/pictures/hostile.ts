/** Pictures that are made to hurt whoever decodes them. None is stored anywhere: all are made when they are needed. */
import sharp from 'sharp';

import { photo } from '../../demo/photos.js';
import { avifBombs } from './bombs/avif.js';
import { gifBombs } from './bombs/gif.js';
import { jpegBombs } from './bombs/jpeg.js';
import { pdfBombs } from './bombs/pdf.js';
import { bmpBombs } from './bombs/bmp.js';
import { heicBombs } from './bombs/heic.js';
import { mp4Bombs } from './bombs/mp4.js';
import { pngBombs } from './bombs/png.js';
import { tiffBombs } from './bombs/tiff.js';
import { webpBombs } from './bombs/webp.js';
import { either, kept, rejected, shown, type HostilePicture } from './hostile-picture.js';

export async function hostilePictures(short: boolean): Promise<HostilePicture[]> {
  const small = await photo({ seed: 1, width: 640, height: 480 });
  const formats = await Promise.all(
    (['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const).map(async (format) => ({
      format,
      content: await sharp(small).toFormat(format).toBuffer(),
    })),
  );
  return [
    ...pngBombs(),
    ...gifBombs(),
    ...jpegBombs(),
    ...webpBombs(short ? 1_000 : 20_000),
    ...tiffBombs(short ? 5_000 : 50_000),
    ...(await avifBombs()),
    ...(await heicBombs()),
    ...mp4Bombs(),
    ...bmpBombs(),
    ...pdfBombs(),
    ...formats.flatMap((whole) => absurd(whole)),
    ...formats.flatMap((whole) => truncated(whole, short ? 64 : 1)),
    ...polyglots(small),
  ];
}

interface Whole {
  readonly format: string;
  readonly content: Buffer;
}

/** The size in the head says much more than there is. */
function absurd({ format, content }: Whole): HostilePicture[] {
  const copy = Buffer.from(content);
  if (format === 'jpeg') {
    const frame = copy.findIndex(
      (byte, at) => byte === 0xff && /^c[0-2]$/.test((copy[at + 1] ?? 0).toString(16)),
    );
    copy.writeUInt32BE(0xffdcffdc, frame + 5);
  } else if (format === 'png') {
    copy.writeUInt32BE(0x7fffffff, 16);
    copy.writeUInt32BE(0x7fffffff, 20);
  } else if (format === 'webp') {
    // Lossy: 14 bits each, after the start code.
    copy.writeUInt32LE(0x3fff3fff, copy.indexOf(Buffer.from([0x9d, 0x01, 0x2a])) + 3);
  } else return [];
  return [{ what: `${format} that says it is enormous`, content: copy, wanted: kept }];
}

/** Every `step` KB. What lacks next to nothing may still be shown. */
function truncated({ format, content }: Whole, step: number): HostilePicture[] {
  const kilobytes = Math.floor(content.length / 1024 / step);
  return Array.from({ length: kilobytes }, (_, index) => {
    const length = (index + 1) * step * 1024;
    return {
      what: `${format} cut off at ${String(length)}`,
      content: content.subarray(0, length),
      wanted: either,
    };
  });
}

/** Two things at once: pictures to some, and to others what runs. */
function polyglots(jpeg: Buffer): HostilePicture[] {
  const html = Buffer.from('<html><script>alert(1)</script></html>');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e9"><rect/></svg>');
  const zip = Buffer.concat([Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)]);
  return [
    { what: 'JPEG and archive', content: Buffer.concat([jpeg, zip]), wanted: shown },
    { what: 'JPEG and page', content: Buffer.concat([jpeg, html]), wanted: shown },
    { what: 'GIF and script', content: Buffer.from('GIF89a/*\0\0\0\0*/=1;alert(1)'), wanted: kept },
    { what: 'page before a JPEG', content: Buffer.concat([html, jpeg]), wanted: rejected },
    { what: 'SVG', content: svg, wanted: kept },
    { what: 'PDF and JPEG', content: Buffer.concat([Buffer.from('%PDF-1.7\n'), jpeg]), wanted: kept },
    { what: 'nothing but a JPEG marker', content: Buffer.from([0xff, 0xd8, 0xff, 0xe0]), wanted: kept },
    {
      what: 'noise behind a PNG signature',
      content: Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        Buffer.alloc(9_000, 7),
      ]),
      wanted: kept,
    },
  ];
}
