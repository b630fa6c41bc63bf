/** Pictures made to harm decoders. None is stored as a file: all are created when needed. */
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

/** The size in the head is much larger than the content. */
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
  return [{ what: `${format} that says it is enormous`, content: copy, allowed: kept }];
}

/** Cut off every `step` KB. Almost complete pictures may still be displayed. */
function truncated({ format, content }: Whole, step: number): HostilePicture[] {
  const kilobytes = Math.floor(content.length / 1024 / step);
  return Array.from({ length: kilobytes }, (_, index) => {
    const length = (index + 1) * step * 1024;
    return {
      what: `${format} cut off at ${String(length)}`,
      content: content.subarray(0, length),
      allowed: either,
    };
  });
}

/** Two formats at once: pictures for some programs, executable content for others. */
function polyglots(jpeg: Buffer): HostilePicture[] {
  const html = Buffer.from('<html><script>alert(1)</script></html>');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e9"><rect/></svg>');
  const zip = Buffer.concat([Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)]);
  return [
    { what: 'JPEG and archive', content: Buffer.concat([jpeg, zip]), allowed: shown },
    { what: 'JPEG and page', content: Buffer.concat([jpeg, html]), allowed: shown },
    { what: 'GIF and script', content: Buffer.from('GIF89a/*\0\0\0\0*/=1;alert(1)'), allowed: kept },
    { what: 'page before a JPEG', content: Buffer.concat([html, jpeg]), allowed: rejected },
    { what: 'SVG', content: svg, allowed: kept },
    { what: 'PDF and JPEG', content: Buffer.concat([Buffer.from('%PDF-1.7\n'), jpeg]), allowed: kept },
    { what: 'nothing but a JPEG marker', content: Buffer.from([0xff, 0xd8, 0xff, 0xe0]), allowed: kept },
    {
      what: 'noise behind a PNG signature',
      content: Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        Buffer.alloc(9_000, 7),
      ]),
      allowed: kept,
    },
  ];
}
