import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { isDecodable, typeFitsKind, unknownType } from '../../../src/domain/media.js';
import { sniffType } from '../../../src/infra/file-types/detect.js';

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

  test('Ogg with Opus, the format of voice messages', async () => {
    const page = Buffer.concat([ascii('OggS'), Buffer.alloc(24), ascii('OpusHead'), Buffer.alloc(32)]);
    expect(typeFitsKind(await sniffType(page), 'audio')).toBe(true);
  });
});

const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';

describe('markup is distinguished from pictures', () => {
  test.each([
    ['SVG', svg],
    ['SVG with an XML declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${svg}`],
    ['SVG with a document type', `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">${svg}`],
    ['SVG behind a comment', `<!-- GIF89a -->\n${svg}`],
    ['SVG behind a byte order mark and blanks', `\uFEFF \n\t${svg}`],
    ['SVG in capitals', svg.toUpperCase()],
  ])('%s', async (_, text) => {
    expect(await sniffType(Buffer.from(text))).toBe('image/svg+xml');
  });

  test.each([
    ['HTML', '<!DOCTYPE html><html><script>alert(1)</script></html>'],
    ['HTML without a document type', '<html><head></head></html>'],
    ['HTML behind a byte order mark and blanks', '\uFEFF\r\n\r\n  <HTML>'],
    ['a lone script', '<script>alert(1)</script>'],
    ['HTML behind a comment', '<!-- cached -->\n<!doctype html><p>sign in</p>'],
    [
      'HTML behind an XML declaration',
      '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"></html>',
    ],
    ['HTML with a drawing', `<html><body>${svg}</body></html>`],
    ['a fragment', '<div class="error">gone</div>'],
  ])('%s', async (_, text) => {
    expect(await sniffType(Buffer.from(text))).toBe('text/html');
  });

  test('HTML in Latin-1', async () => {
    expect(await sniffType(ascii('<title>Sess\xe3o expirada</title>'))).toBe('text/html');
  });

  test('other XML', async () => {
    expect(await sniffType(Buffer.from('<?xml version="1.0"?><Error/>'))).toBe('application/xml');
  });

  test.each(['<!doctype html>', '<?xml version="1.0"?><Error/>', '{"error":"gone"}', 'hello'])(
    'and fits no kind but a document: %s',
    async (text) => {
      const type = await sniffType(Buffer.from(text));
      expect(isDecodable(type)).toBe(false);
      expect(
        (['image', 'sticker', 'video', 'audio'] as const).filter((kind) => typeFitsKind(type, kind)),
      ).toEqual([]);
    },
  );
});

describe('JSON', () => {
  test.each(['{"error":"gone"}', ' [{"code":403}]\n', '{}', '[1, 2]', `{"a":"${'b'.repeat(70_000)}"}`])(
    'is distinguished from other text',
    async (text) => {
      expect(await sniffType(Buffer.from(text).subarray(0, 65_536))).toBe('application/json');
    },
  );

  test.each(['[1] says', '{ font-size: 1em }', '"text"', '{"cut'])('is not %s', async (text) => {
    expect(await sniffType(Buffer.from(text))).toBe('text/plain');
  });
});

describe('brands of pictures', () => {
  const file = (major: string, brands: readonly string[], next = 'meta'): Buffer => {
    const size = 16 + 4 * brands.length;
    return Buffer.concat([
      Buffer.from([0, 0, 0, size]),
      ascii(`ftyp${major}\0\0\0\0${brands.join('')}\0\0\0\x40${next}`),
      Buffer.alloc(64),
    ]);
  };
  test.each([
    ['avif', ['mif1'], 'image/avif'],
    ['avis', ['avif', 'msf1'], 'image/avif'],
    ['mif1', ['mif1', 'avif', 'miaf'], 'image/avif'],
    ['miaf', ['avif'], 'image/avif'],
    ...['heic', 'heix', 'heim', 'heis'].map((brand): [string, string[], string] => [
      brand,
      ['mif1'],
      'image/heic',
    ]),
    ...['hevc', 'hevx', 'hevm', 'hevs'].map((brand): [string, string[], string] => [
      brand,
      ['msf1'],
      'image/heic-sequence',
    ]),
    ['mif1', ['mif1', 'heic'], 'image/heif'],
    ['mif2', ['heic'], 'image/heif'],
    ['miaf', ['heic'], 'image/heif'],
    ['msf1', ['hevc'], 'image/heif-sequence'],
    ['MSNV', ['mif1', 'heic'], 'image/heif'],
  ])('%s with %s is %s', async (major, brands, type) => {
    expect(await sniffType(file(major, brands))).toBe(type);
    expect(typeFitsKind(type, 'image')).toBe(true);
  });

  test('a video that names a brand of pictures is a video', async () => {
    expect(await sniffType(file('isom', ['mif1'], 'moov'))).toBe('video/mp4');
  });
});

describe('an ambiguous file is what it begins with', () => {
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

describe('other files', () => {
  test('an empty file is unknown', async () => {
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

  test.each([
    ['Latin letters', Buffer.from('nome;cidade\nJoão;São Paulo\n', 'latin1')],
    ['UTF-16', Buffer.from('\ufeffname\tcity\nAna\tPorto\n', 'utf16le')],
    ['UTF-16, the other way around', Buffer.from('\ufeffname\tcity\nAna\tPorto\n', 'utf16le').swap16()],
  ])('text in an encoding other than UTF-8 is text: %s', async (_, bytes) => {
    expect(await sniffType(bytes)).toBe('text/plain');
  });

  test.each([
    ['<!doctype html><title>Sign in</title>', 'text/html'],
    ['{"error":"expired"}', 'application/json'],
    ['<?xml version="1.0" encoding="utf-16"?><Error/>', 'application/xml'],
    [`<?xml version="1.0" encoding="utf-16"?>${svg}`, 'image/svg+xml'],
  ])('UTF-16 hides nothing: %s', async (text, type) => {
    const wide = Buffer.from(`\ufeff${text} `, 'utf16le');
    expect(await sniffType(wide)).toBe(type);
    expect(await sniffType(Buffer.from(wide).swap16())).toBe(type);
  });

  test.each([
    ['<Error><Code>AccessDenied</Code></Error>\n', 'application/xml'],
    ['<soap:Envelope xmlns:soap="x"><soap:Body/></soap:Envelope>', 'application/xml'],
    ['<Error/>', 'application/xml'],
    ['<3 you all </3', 'text/plain'],
    ['<stdio.h> and more', 'text/plain'],
  ])('XML needs no declaration: %s', async (text, type) => {
    expect(await sniffType(Buffer.from(text))).toBe(type);
  });

  test.each([
    ['P6\n# made by hand\n4 4\n255\n', 'image/x-portable-anymap'],
    ['P5 is a name, and no picture', 'text/plain'],
    ['HTTP/1.1 200 OK\r\n\r\n%PDF-1.4\n', 'application/pdf'],
    ['how a %PDF-1.4 file begins', 'text/plain'],
  ])('files that look like text have the type of their beginning: %s', async (text, type) => {
    expect(await sniffType(Buffer.from(text))).toBe(type);
  });

  test('a file that begins like an icon is one only if it lists pictures', async () => {
    const icon = Buffer.from('00000100010010100000010020000000000016000000', 'hex');
    icon.writeUInt32LE(40, 14);
    expect(await sniffType(Buffer.concat([icon, Buffer.alloc(40)]))).toBe('image/x-icon');
    const targa = Buffer.from('000002000000000000000000400040001800', 'hex');
    expect(await sniffType(Buffer.concat([targa, Buffer.alloc(64)]))).toBe('image/x-tga');
    expect(await sniffType(Buffer.from('0000010000000000', 'hex'))).toBe(unknownType);
  });

  test('text is text, even if the head ends in the middle of a character', async () => {
    const text = Buffer.from('ção '.repeat(20_000));
    expect(await sniffType(Buffer.from('hello'))).toBe('text/plain');
    for (const length of [65_533, 65_534, 65_535, 65_536])
      expect(await sniffType(text.subarray(0, length))).toBe('text/plain');
  });

  test('a truncated head of a picture neither fails nor is detected as another picture', async () => {
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
