/** Documents made to keep a renderer of the first page busy forever, or to exhaust the memory. */
import { deflateSync } from 'node:zlib';

import { either, kept, type HostilePicture } from '../hostile-picture.js';

export function pdfBombs(): HostilePicture[] {
  const forms = nestedForms(12, 12);
  return [
    { what: 'PDF of nothing', content: Buffer.from('%PDF-1.7\n'), allowed: kept },
    {
      what: 'PDF with a page of 1e9 x 1e9 points',
      content: pdf([page('[0 0 1e9 1e9]'), stream('')]),
      allowed: either,
    },
    {
      what: 'PDF with 400 MB of drawing in 400 KB',
      content: pdf([page('[0 0 600 800]'), deflated(Buffer.alloc(400_000_000, '0 0 m 9 9 l S '))]),
      allowed: either,
    },
    {
      what: 'PDF with a picture of 60000x60000',
      content: pdf([
        page('[0 0 600 800]', '/XObject<</P 5 0 R>>'),
        stream('600 0 0 800 0 0 cm /P Do'),
        enormous(60_000),
      ]),
      allowed: either,
    },
    { what: 'PDF whose drawing calls itself 12^12 times', content: forms, allowed: either },
    {
      what: 'PDF whose pages are their own parents',
      content: pdf(['<</Type/Pages/Kids[2 0 R 3 0 R]/Count 9999999/Parent 2 0 R>>', stream('')]),
      allowed: either,
    },
    {
      what: 'PDF with a script and a link that open by themselves',
      content: pdf([
        page('[0 0 300 200]', '', '/AA<</O<</S/JavaScript/JS(while(1){})>>>>'),
        stream('1 0 0 rg 20 20 100 60 re f'),
      ]),
      allowed: either,
    },
  ];
}

/** Objects from the third on; the first is the catalog, the second the list of pages. */
function pdf(objects: readonly (string | Buffer)[]): Buffer {
  const all = ['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[3 0 R]/Count 1>>', ...objects];
  const parts = all.map((object, index) =>
    Buffer.concat([
      Buffer.from(`${String(index + 1)} 0 obj\n`),
      Buffer.from(object),
      Buffer.from('\nendobj\n'),
    ]),
  );
  return Buffer.concat([
    Buffer.from('%PDF-1.7\n'),
    ...parts,
    Buffer.from(`trailer\n<</Size ${String(all.length + 1)}/Root 1 0 R>>\n%%EOF\n`),
  ]);
}

function page(box: string, resources = '', more = ''): string {
  return `<</Type/Page/Parent 2 0 R/MediaBox${box}/Contents 4 0 R/Resources<<${resources}>>${more}>>`;
}

function stream(content: string, head = ''): string {
  return `<<${head}/Length ${String(content.length)}>>\nstream\n${content}\nendstream`;
}

function deflated(content: Buffer): Buffer {
  const packed = deflateSync(content);
  return Buffer.concat([
    Buffer.from(`<</Filter/FlateDecode/Length ${String(packed.length)}>>\nstream\n`),
    packed,
    Buffer.from('\nendstream'),
  ]);
}

function enormous(side: number): string {
  const size = String(side);
  return stream(
    'x',
    `/Type/XObject/Subtype/Image/Width ${size}/Height ${size}/ColorSpace/DeviceRGB/BitsPerComponent 8`,
  );
}

/** Each drawing calls the next one several times. */
function nestedForms(depth: number, times: number): Buffer {
  const forms = Array.from({ length: depth }, (_, index) => {
    const next = `/Resources<</XObject<</F ${String(index + 6)} 0 R>>>>`;
    return stream('/F Do '.repeat(times), `/Type/XObject/Subtype/Form/BBox[0 0 600 800]${next}`);
  });
  const last = stream('0 0 9 9 re f', '/Type/XObject/Subtype/Form/BBox[0 0 600 800]');
  return pdf([page('[0 0 600 800]', '/XObject<</F 5 0 R>>'), stream('/F Do'), ...forms, last]);
}
