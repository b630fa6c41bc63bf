/** The layout of the grid: what a further page costs. */
import { expect, test } from '@jest/globals';

import { emptyLayout, layOut, type LaidOutMedia, type Layout } from '../../src/gallery/grid/layout.js';
import { mergeMedia } from '../../src/gallery/merge-media.js';

const shape = { width: 1200, rowHeight: 188, gap: 6, headings: 'day' } as const;
const pageSize = 100;

/** The media items of one page, newest first; `onRead` is called whenever the proportions of one are read. */
function page(number: number, onRead: () => void): LaidOutMedia[] {
  return Array.from({ length: pageSize }, (_, at) => {
    const index = number * pageSize + at;
    return {
      id: String(1_000_000 - index),
      kind: 'image',
      receivedAt: new Date(1_790_000_000_000 - index * 20_000).toISOString(),
      height: 600,
      get width() {
        onRead();
        return 400 + ((index * 37) % 900);
      },
    } satisfies LaidOutMedia;
  });
}

test('a further page lays out its own rows and the last one before it, however many pages precede it', () => {
  let reads = 0;
  let items: readonly LaidOutMedia[] = [];
  let layout: Layout<LaidOutMedia> = emptyLayout(shape);
  const costs: number[] = [];
  const newRows: number[] = [];
  for (let number = 0; number < 53; number += 1) {
    items = mergeMedia(
      items,
      page(number, () => (reads += 1)),
    );
    reads = 0;
    const known = new Set(layout.rows);
    layout = layOut(layout, items);
    costs.push(reads);
    newRows.push(layout.rows.filter((row) => !known.has(row)).length);
  }
  expect(layout.items).toHaveLength(5_300);
  // Three pages' worth of reads: each width is read a few times, also that of a media item which then begins
  // the next row.
  const mostReads = costs[0] ?? 0;
  expect(mostReads).toBeGreaterThan(0);
  expect(Math.max(...costs.slice(1))).toBeLessThan(mostReads * 1.2);
  // A page has some 25 rows, and at most one heading of a day.
  expect(Math.max(...newRows)).toBeLessThan(40);
});

test('a media item that arrives at the top lays out the first day only', () => {
  let reads = 0;
  const older = Array.from({ length: 40 }, (_, number) => page(number, () => (reads += 1))).flat();
  const before = layOut<LaidOutMedia>(emptyLayout(shape), older);
  const yesterday = older.findIndex(({ receivedAt }) => dayOf(receivedAt) !== dayOf(older[0]?.receivedAt));
  reads = 0;
  const [newest] = page(-1, () => (reads += 1)).slice(-1);
  const after = layOut(before, newest ? [newest, ...older] : []);
  expect(after.rows.at(-1)?.top).toBeGreaterThan(0);
  expect(reads).toBeGreaterThan(0);
  expect(reads).toBeLessThan(yesterday * 4);
  expect(after.rows.slice(-20).map(({ key }) => key)).toEqual(before.rows.slice(-20).map(({ key }) => key));
});

function dayOf(iso = ''): string {
  return new Date(iso).toDateString();
}
