/** Rows of pictures that fill the width exactly, each picture in its own proportions, with a heading for each day. */
import type { MediaView } from '../api.js';
import { dayKey, dayName } from '../format.js';

export interface Cell {
  readonly media: MediaView;
  readonly width: number;
}
export type GridRow =
  | { readonly type: 'day'; readonly key: string; readonly name: string; readonly height: number }
  | {
      readonly type: 'cells';
      readonly key: string;
      readonly cells: readonly Cell[];
      readonly height: number;
    };

export interface GridShape {
  readonly width: number;
  /** What the height of a row should come near to. */
  readonly rowHeight: number;
  readonly gap: number;
}

const dayHeight = 52;
/** Very wide and very tall pictures are cut rather than shown as a line. */
const narrowest = 0.6;
const widest = 2.2;

export function layOut(items: readonly MediaView[], shape: GridShape): GridRow[] {
  const rows: GridRow[] = [];
  let row: MediaView[] = [];
  let day = '';
  const finish = (isLast: boolean): void => {
    if (row.length > 0) rows.push(rowOf(row, shape, isLast));
    row = [];
  };
  for (const media of items) {
    const key = dayKey(media.receivedAt);
    if (key !== day) {
      finish(true);
      day = key;
      rows.push({ type: 'day', key, name: dayName(media.receivedAt), height: dayHeight });
    }
    if (isBetterWithout(row, media, shape)) finish(false);
    row.push(media);
  }
  finish(true);
  return rows;
}

function proportions({ width, height, kind }: MediaView): number {
  if (width !== null && height !== null && height > 0) {
    return Math.min(Math.max(width / height, narrowest), widest);
  }
  return kind === 'image' || kind === 'sticker' ? 1 : 1.25;
}

const sum = (row: readonly MediaView[]): number =>
  row.reduce((total, media) => total + proportions(media), 0);

/** Of a row that fills the width. */
function heightOf(row: readonly MediaView[], { width, gap }: GridShape): number {
  return (width - gap * (row.length - 1)) / sum(row);
}

/** Whether a row comes nearer to its height as it is than with one more. */
function isBetterWithout(row: readonly MediaView[], next: MediaView, shape: GridShape): boolean {
  if (row.length === 0) return false;
  const without = heightOf(row, shape);
  const joined = heightOf([...row, next], shape);
  return joined < shape.rowHeight && without - shape.rowHeight < shape.rowHeight - joined;
}

/** The last row of a day is not blown up to fill the width. */
function rowOf(row: readonly MediaView[], shape: GridShape, isLast: boolean): GridRow {
  const full = heightOf(row, shape);
  const height = Math.floor(isLast ? Math.min(full, shape.rowHeight) : full);
  const cells = row.map((media) => ({ media, width: Math.floor(height * proportions(media)) }));
  const last = cells.at(-1);
  if (!isLast && last) {
    const before = cells.slice(0, -1).reduce((total, cell) => total + cell.width + shape.gap, 0);
    cells[cells.length - 1] = { media: last.media, width: Math.floor(shape.width - before) };
  }
  return { type: 'cells', key: row[0]?.id ?? '', cells, height: height + shape.gap };
}
