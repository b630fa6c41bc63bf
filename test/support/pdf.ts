/** PDF documents for tests. */

export interface PdfPage {
  /** In points. */
  readonly width: number;
  readonly height: number;
  /** The colour of the whole page; each part is between 0 and 1. */
  readonly rgb: readonly [red: number, green: number, blue: number];
}

/** A document of coloured pages. Its objects are complete, and readers rebuild the table that it lacks. */
export function pdfOf(pages: readonly PdfPage[]): Buffer {
  const idOf = (index: number): number => 10 + 2 * index;
  const kids = pages.map((_, index) => `${String(idOf(index))} 0 R`).join(' ');
  const bodies = pages.map(({ width, height, rgb }, index) => {
    const size = `${String(width)} ${String(height)}`;
    const drawing = `${rgb.join(' ')} rg 0 0 ${size} re f`;
    const id = idOf(index);
    return [
      `${String(id)} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${size}]/Contents ${String(id + 1)} 0 R>>endobj`,
      `${String(id + 1)} 0 obj<</Length ${String(drawing.length)}>>stream\n${drawing}\nendstream endobj`,
    ].join('\n');
  });
  return Buffer.from(
    [
      '%PDF-1.4',
      '1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj',
      `2 0 obj<</Type/Pages/Kids[${kids}]/Count ${String(pages.length)}>>endobj`,
      ...bodies,
      'trailer<</Root 1 0 R>>',
      '%%EOF',
      '',
    ].join('\n'),
  );
}
