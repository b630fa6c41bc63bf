/**
 * Rows of pictures that fill the width exactly, each picture in its own proportions, with a heading for each
 * day or month. A layout is computed from the one before it, so that a further page costs only its own rows.
 */
import type { Media } from '../../client/answers.js';
import { headingKey, type Headings } from '../heading-key.js';

/** The properties of a media item that a layout uses. */
export type LaidOutMedia = Pick<Media, 'id' | 'kind' | 'receivedAt' | 'width' | 'height'>;

export interface Cell<Item> {
  readonly media: Item;
  /** Width in pixels. */
  readonly width: number;
}

interface Place {
  readonly key: string;
  /** Distance from the top of the grid, in pixels. */
  readonly top: number;
  /** Height in pixels, including the gap below the row. */
  readonly height: number;
  /** Index of the first media item in the row, or below the heading. */
  readonly first: number;
}
interface HeadingRow extends Place {
  readonly type: 'heading';
  /** A moment of the day or the month. The name (`Today`) is not stored, because it changes at midnight. */
  readonly receivedAt: string;
}
interface CellRow<Item> extends Place {
  readonly type: 'cells';
  readonly cells: readonly Cell<Item>[];
}
export type GridRow<Item extends LaidOutMedia = Media> = HeadingRow | CellRow<Item>;

export interface GridShape {
  /** Width in pixels. */
  readonly width: number;
  /** The preferred height of a row, in pixels. */
  readonly rowHeight: number;
  readonly gap: number;
  readonly headings: Headings;
}

export interface Layout<Item extends LaidOutMedia = Media> {
  readonly shape: GridShape;
  readonly items: readonly Item[];
  readonly rows: readonly GridRow<Item>[];
  /** Height of all rows together, in pixels. */
  readonly height: number;
}

const headingHeight = 52;
/**
 * Proportions (width divided by height) beyond these are cropped; such a picture would otherwise be a mere
 * line.
 */
const narrowest = 0.6;
const widest = 2.2;

export function emptyLayout(shape: GridShape): Layout<never> {
  return { shape, items: [], rows: [], height: 0 };
}

/**
 * Lays out `items` in the shape of an earlier layout. The result equals a layout from scratch; rows of the
 * earlier layout that precede or follow the changed media items are reused.
 */
export function layOut<Item extends LaidOutMedia>(
  before: Layout<Item>,
  items: readonly Item[],
): Layout<Item> {
  const { shape } = before;
  const rows = rowsBeforeChange(before, items);
  const findTail = tailFinder(before, items);
  let { heading, index, top } = endOf(rows);
  const push = (row: GridRow<Item>): void => {
    rows.push(row);
    top = row.top + row.height;
  };
  for (let media = items[index]; media !== undefined; media = items[index]) {
    const key = headingKey(media.receivedAt, shape.headings);
    if (key !== heading) {
      const { receivedAt } = media;
      push({ type: 'heading', key, receivedAt, top, height: headingHeight, first: index });
      heading = key;
    }
    const tail = findTail(index, top);
    if (tail) {
      for (const row of tail) push(row);
      break;
    }
    const row = rowFrom(items, { first: index, top }, shape);
    push(row);
    index += row.cells.length;
  }
  return { shape, items, rows, height: top };
}

/** The position at which the layout continues below the rows. */
function endOf(rows: readonly GridRow<LaidOutMedia>[]): {
  heading: string;
  index: number;
  top: number;
} {
  const last = rows.at(-1);
  if (!last) return { heading: '', index: 0, top: 0 };
  const heading = rows.findLast(({ type }) => type === 'heading');
  return { heading: heading?.key ?? '', index: endIndexOf(last), top: last.top + last.height };
}

function endIndexOf(row: GridRow<LaidOutMedia>): number {
  return row.type === 'heading' ? row.first : row.first + row.cells.length;
}

/**
 * The rows above the first changed media item. Where a row ends depends on the media item that follows it, so
 * a row is kept only if that media item is unchanged, too.
 */
function rowsBeforeChange<Item extends LaidOutMedia>(
  { items: old, rows }: Layout<Item>,
  items: readonly Item[],
): GridRow<Item>[] {
  let same = 0;
  while (same < items.length && items[same] === old[same]) same += 1;
  return rows.slice(
    0,
    firstIndex(rows, (row) => endIndexOf(row) >= same),
  );
}

/**
 * Finds the rows from a media item on in the earlier layout, if nothing has changed from there to the end.
 */
function tailFinder<Item extends LaidOutMedia>(before: Layout<Item>, items: readonly Item[]) {
  const { items: old, rows } = before;
  const added = items.length - old.length;
  let unchangedFrom = items.length;
  while (unchangedFrom > 0 && items[unchangedFrom - 1] === old[unchangedFrom - 1 - added]) unchangedFrom -= 1;
  return (index: number, top: number): GridRow<Item>[] | undefined => {
    const first = index - added;
    if (index < unchangedFrom || first < 0) return undefined;
    const start = firstIndex(rows, (candidate) => isCellsFrom(candidate, first));
    const row = rows[start];
    if (row?.first !== first) return undefined;
    return rows
      .slice(start)
      .map((tail) => ({ ...tail, first: tail.first + added, top: tail.top + top - row.top }));
  };
}

function isCellsFrom({ type, first }: GridRow<LaidOutMedia>, index: number): boolean {
  return first > index || (first === index && type === 'cells');
}

/**
 * The index of the first row for which `isBehind` is true, by binary search; the number of rows if there is
 * none. It must be true for all rows after the first one.
 */
export function firstIndex<Row>(rows: readonly Row[], isBehind: (row: Row) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row === undefined || isBehind(row)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function proportions({ width, height, kind }: LaidOutMedia): number {
  if (width !== null && height !== null && height > 0) {
    return Math.min(Math.max(width / height, narrowest), widest);
  }
  return kind === 'image' || kind === 'sticker' ? 1 : 1.25;
}

/** One row, which begins with the media item at `first`. */
function rowFrom<Item extends LaidOutMedia>(
  items: readonly Item[],
  { first, top }: Pick<Place, 'first' | 'top'>,
  shape: GridShape,
): CellRow<Item> {
  const row: Item[] = [];
  let heading: string | undefined;
  let sum = 0;
  let isLast = true;
  for (let at = first, media = items[at]; media !== undefined; at += 1, media = items[at]) {
    const key = headingKey(media.receivedAt, shape.headings);
    heading ??= key;
    if (key !== heading) break;
    const joined = sum + proportions(media);
    if (isBetterWithout({ sum, joined, count: row.length }, shape)) {
      isLast = false;
      break;
    }
    row.push(media);
    sum = joined;
  }
  const full = fullHeight(sum, row.length, shape);
  // The last row below a heading is not enlarged to fill the width.
  const height = Math.floor(isLast ? Math.min(full, shape.rowHeight) : full);
  const cells = cellsOf(row, { height, isLast, shape });
  return { type: 'cells', key: row[0]?.id ?? '', cells, first, top, height: height + shape.gap };
}

/** The height of a row that fills the width. */
function fullHeight(sum: number, count: number, { width, gap }: GridShape): number {
  return (width - gap * (count - 1)) / sum;
}

interface Joining {
  /** Sum of the proportions in the row, without and with the next media item. */
  readonly sum: number;
  readonly joined: number;
  /** Number of media items in the row, without the next one. */
  readonly count: number;
}

/** Whether a row is nearer to its preferred height without the next media item. */
function isBetterWithout({ sum, joined, count }: Joining, shape: GridShape): boolean {
  if (count === 0) return false;
  const without = fullHeight(sum, count, shape);
  const together = fullHeight(joined, count + 1, shape);
  return together < shape.rowHeight && without - shape.rowHeight < shape.rowHeight - together;
}

interface CellsShape {
  readonly height: number;
  readonly isLast: boolean;
  readonly shape: GridShape;
}

function cellsOf<Item extends LaidOutMedia>(row: readonly Item[], { height, isLast, shape }: CellsShape) {
  const cells: Cell<Item>[] = row.map((media) => ({ media, width: Math.floor(height * proportions(media)) }));
  const last = cells.at(-1);
  if (!isLast && last) {
    const before = cells.slice(0, -1).reduce((total, cell) => total + cell.width + shape.gap, 0);
    cells[cells.length - 1] = { media: last.media, width: Math.floor(shape.width - before) };
  }
  return cells;
}
