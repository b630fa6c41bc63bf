/** What strangers have written, in names of files and in cells. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { archivePath } from '../../../src/http/export/names.js';
import { csvHead, csvRow, type ExportRow } from '../../../src/http/export/rows.js';
import { exampleMedia, type MediaView } from '../../../src/http/shapes/media.js';

interface Foreign {
  readonly senderName?: string | null;
  readonly filename?: string | null;
  readonly caption?: string | null;
  readonly type?: string;
}

function mediaWith({ senderName = null, filename = null, caption = null, type }: Foreign): MediaView {
  const message = exampleMedia.message && { ...exampleMedia.message, senderName, caption };
  return { ...exampleMedia, filename, message, type: type ?? exampleMedia.type };
}

describe('names of files', () => {
  it.each([
    ['of a picture', {}, '5511999990000 - image (1).jpg'],
    [
      'of a document',
      { senderName: 'Ana', filename: 'invoice.pdf', type: 'application/pdf' },
      'Ana - invoice (1).pdf',
    ],
    ['with emoji and accents', { senderName: 'Zoë 👩🏽‍🚀', filename: 'peça.JPG' }, 'Zoë 👩🏽‍🚀 - peça (1).jpg'],
    ['from right to left', { senderName: 'فاطمة', filename: 'תמונה.jpg' }, 'فاطمة - תמונה (1).jpg'],
    ['with markup', { senderName: '<b>Ana</b>' }, '_b_Ana__b_ - image (1).jpg'],
    [
      'that are paths',
      { senderName: '../../etc', filename: String.raw`C:\dir\..\x.jpg` },
      '_.._etc - C__dir_.._x (1).jpg',
    ],
    ['that are reserved', { senderName: 'CON', filename: 'nul' }, 'CON - nul (1).jpg'],
    ['that turn around', { senderName: 'Ana', filename: 'x\u202Egpj.exe' }, 'Ana - xgpj (1).jpg'],
    ['with controls', { senderName: 'A\u0000n\r\na\u0007', filename: '\t.png' }, 'A n a - image (1).jpg'],
    [
      'that lie about the type',
      { senderName: 'Ana', filename: 'photo.jpg', type: 'application/x-msdownload' },
      'Ana - photo (1).exe',
    ],
    [
      'of an unknown type',
      { senderName: 'Ana', filename: 'data.XYZ', type: 'application/octet-stream' },
      'Ana - data (1).xyz',
    ],
  ] as [string, Foreign, string][])('%s', (_, foreign, name) => {
    expect(archivePath(mediaWith(foreign), 1)).toBe(`files/2026-11/2026-11-21 10.00.00 ${name}`);
  });

  it('are short, and never cut within an emoji', () => {
    const path = archivePath(mediaWith({ senderName: '👩🏽‍🚀'.repeat(50), filename: 'ã'.repeat(500) }), 100_000);
    expect(Buffer.byteLength(path.split('/').at(-1) ?? '')).toBeLessThan(255);
    expect(path).toContain(`${'👩🏽‍🚀'.repeat(4)} - ã`);
  });

  it('are one name in one folder, whatever was written', () => {
    const text = fc.string({ unit: 'binary', maxLength: 80 });
    fc.assert(
      fc.property(text, text, (senderName, filename) => {
        const path = archivePath(mediaWith({ senderName, filename }), 7);
        const name = path.slice('files/2026-11/'.length);
        expect(name).not.toMatch(/[<>:"/\\|?*\p{Cc}\p{Cs}\p{Bidi_Control}]/u);
        expect(name).toMatch(/ \(7\)\.[a-z0-9]{1,10}$/);
        expect(Buffer.byteLength(name)).toBeLessThan(255);
      }),
    );
  });
});

describe('cells of CSV', () => {
  const captionOf = (caption: string): string => {
    const row: ExportRow = { ...mediaWith({ caption }), file: null, omitted: null, facts: [] };
    const index = csvHead.slice(1).trim().split(',').indexOf('"caption"');
    const cells = [...csvRow(row).matchAll(/"((?:[^"]|"")*)"(?:,|\r\n$)/g)];
    return cells[index]?.[1]?.replaceAll('""', '"') ?? '';
  };

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '＝1', '\u200e=1', '=HYPERLINK("x")'])(
    'that a spreadsheet would run are texts: %j',
    (caption) => {
      expect(captionOf(caption)).toBe(`'${caption}`);
    },
  );

  it.each(['a=b', '5511999990000', 'say "hi", Ana', 'two\nlines', '<b>', '🌹', "it's"])(
    'others stay: %j',
    (caption) => {
      expect(captionOf(caption)).toBe(caption);
    },
  );
});
