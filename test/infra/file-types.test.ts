import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { isDecodable, typeFitsKind, unknownType } from '../../src/domain/media.js';
import { sniffType } from '../../src/infra/file-types.js';

const pixel = sharp({ create: { width: 8, height: 8, channels: 3, background: '#c04020' } });
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
/** A container of the MP4 family with this brand. */
const isoMedia = (brand: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 24]), ascii(`ftyp${brand}\0\0\0\0${brand}mif1`), Buffer.alloc(64)]);

describe('pictures', () => {
  test.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('%s', async (format) => {
    const type = await sniffType(await pixel.clone().toFormat(format).toBuffer());
    expect(type).toBe(`image/${format}`);
    expect(isDecodable(type)).toBe(true);
  });

  test.each([
    ['heic', 'image/heic'],
    ['mif1', 'image/heif'],
  ])('of a telephone (%s)', async (brand, type) => {
    expect(await sniffType(isoMedia(brand))).toBe(type);
    expect(typeFitsKind(type, 'image')).toBe(true);
  });
});

describe('sound, moving pictures and documents', () => {
  test.each([
    ['MP4', isoMedia('isom'), 'video/mp4'],
    ['3GP', isoMedia('3gp5'), 'video/3gpp'],
    [
      'MP3',
      Buffer.concat([
        ascii('ID3'),
        Buffer.from([3, 0, 0, 0, 0, 0, 0]),
        Buffer.from([0xff, 0xfb, 0x90, 0x44]),
        Buffer.alloc(512),
      ]),
      'audio/mpeg',
    ],
    ['AMR', ascii('#!AMR\n'), 'audio/amr'],
    ['PDF', ascii('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'), 'application/pdf'],
    ['ZIP', Buffer.concat([ascii('PK\x03\x04'), Buffer.alloc(64)]), 'application/zip'],
  ])('%s', async (_, bytes, type) => {
    expect(await sniffType(bytes)).toBe(type);
  });

  test('Ogg with Opus, as voice messages are', async () => {
    const page = Buffer.concat([ascii('OggS'), Buffer.alloc(24), ascii('OpusHead'), Buffer.alloc(32)]);
    expect(typeFitsKind(await sniffType(page), 'audio')).toBe(true);
  });
});

const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';

describe('markup is told from pictures', () => {
  test.each([
    ['SVG', svg],
    ['SVG with an XML declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${svg}`],
    ['SVG with a document type', `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">${svg}`],
    ['SVG behind a comment', `<!-- GIF89a -->\n${svg}`],
    ['SVG behind a byte order mark and blanks', `\uFEFF \n\t${svg}`],
    ['SVG in capitals', svg.toUpperCase()],
    ['SVG within HTML', `<html><body>${svg}</body></html>`],
  ])('%s', async (_, text) => {
    expect(await sniffType(Buffer.from(text))).toBe('image/svg+xml');
  });

  test.each([
    ['HTML', '<!DOCTYPE html><html><script>alert(1)</script></html>'],
    ['HTML without a document type', '<html><head></head></html>'],
    ['HTML behind a byte order mark and blanks', '\uFEFF\r\n\r\n  <HTML>'],
    ['a lone script', '<script>alert(1)</script>'],
  ])('%s', async (_, text) => {
    expect(await sniffType(Buffer.from(text))).toBe('text/html');
  });

  test('other XML', async () => {
    expect(await sniffType(Buffer.from('<?xml version="1.0"?><Error/>'))).toBe('application/xml');
  });

  test.each([
    svg,
    `<?xml version="1.0"?>${svg}`,
    '<!doctype html>',
    '<?xml version="1.0"?><Error/>',
    'hello',
  ])('and fits no kind but a document: %s', async (text) => {
    const type = await sniffType(Buffer.from(text));
    expect(isDecodable(type)).toBe(false);
    expect(
      (['image', 'sticker', 'video', 'audio'] as const).filter((kind) => typeFitsKind(type, kind)),
    ).toEqual([]);
  });
});

describe('what is two things at once is what it begins with', () => {
  test('GIF89a and a script', async () => {
    expect(await sniffType(ascii('GIF89a/*\x01\x00*/=1;alert(1)//<svg onload=alert(1)>'))).toBe('image/gif');
  });

  test('a JPEG with HTML in its comment', async () => {
    const jpeg = await pixel.clone().jpeg().toBuffer();
    const text = ascii('<!doctype html><script>alert(1)</script>');
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, text.length + 2]), text]);
    expect(await sniffType(Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]))).toBe(
      'image/jpeg',
    );
  });

  test('HTML with a JPEG behind', async () => {
    const jpeg = await pixel.clone().jpeg().toBuffer();
    const type = await sniffType(Buffer.concat([ascii('<html><!--'), jpeg]));
    expect(typeFitsKind(type, 'image')).toBe(false);
  });
});

describe('the rest', () => {
  test('nothing at all is unknown', async () => {
    expect(await sniffType(Buffer.alloc(0))).toBe(unknownType);
  });

  test.each([
    ['a few bytes', Buffer.from([0x80, 0x81, 0x82, 0x83, 0x84])],
    ['zeros', Buffer.alloc(4_096)],
    [
      'bytes that are no UTF-8',
      Buffer.from(Array.from({ length: 512 }, (_, index) => ((index * 73) & 0xfe) | 0x80)),
    ],
    ['HTML in UTF-16', Buffer.from('<html>', 'utf16le')],
  ])('%s: unknown', async (_, bytes) => {
    expect(await sniffType(bytes)).toBe(unknownType);
  });

  test('text is text, also when the head ends in the middle of a character', async () => {
    const text = Buffer.from('ção '.repeat(20_000));
    expect(await sniffType(Buffer.from('hello'))).toBe('text/plain');
    for (const length of [65_533, 65_534, 65_535, 65_536])
      expect(await sniffType(text.subarray(0, length))).toBe('text/plain');
  });

  test('no head of a picture, however short, is taken for another picture or fails', async () => {
    for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
      const bytes = await pixel.clone().toFormat(format).toBuffer();
      const types = await Promise.all(
        Array.from({ length: Math.min(bytes.length, 80) }, (_, length) =>
          sniffType(bytes.subarray(0, length)),
        ),
      );
      const pictures = new Set(types.filter(isDecodable));
      pictures.delete(`image/${format}`);
      expect([...pictures]).toEqual([]);
    }
  });
});
