/** Any change of a list: the layout that reuses earlier rows is the one that would be made from scratch. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { emptyLayout, layOut, type LaidOutMedia } from '../../src/gallery/grid/layout.js';
import { mergeMedia } from '../../src/gallery/merge-media.js';

const media = fc.record({
  id: fc.integer({ min: 0, max: 60 }).map((id) => String(id).padStart(3, '0')),
  kind: fc.constantFrom('image' as const, 'audio' as const),
  width: fc.option(fc.integer({ min: 1, max: 4_000 })),
  height: fc.option(fc.integer({ min: 1, max: 4_000 })),
});

/** Ids grow with time, so the day follows from the id: six media items a day. */
function dated(item: Omit<LaidOutMedia, 'receivedAt'>): LaidOutMedia {
  const day = Math.floor(Number(item.id) / 6);
  return { ...item, receivedAt: new Date(2026, 10, 1 + day, 12).toISOString() };
}

const shape = fc.record({
  width: fc.integer({ min: 200, max: 1_500 }),
  rowHeight: fc.constantFrom(118, 188),
  gap: fc.constant(6),
  headings: fc.constantFrom('day' as const, 'month' as const),
});

test('a layout after a change equals a layout from scratch', () => {
  fc.assert(
    fc.property(
      shape,
      fc.array(fc.array(media, { maxLength: 12 }), { minLength: 1, maxLength: 8 }),
      (grid, changes) => {
        let items: readonly LaidOutMedia[] = [];
        let layout = layOut<LaidOutMedia>(emptyLayout(grid), items);
        for (const change of changes) {
          items = mergeMedia(items, change.map(dated));
          layout = layOut(layout, items);
          expect(layout).toEqual(layOut<LaidOutMedia>(emptyLayout(grid), items));
        }
      },
    ),
  );
});

test('a layout after a removal equals a layout from scratch', () => {
  fc.assert(
    fc.property(
      shape,
      fc.uniqueArray(media, { selector: ({ id }) => id, minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(), { maxLength: 5 }),
      (grid, found, removals) => {
        let items = mergeMedia<LaidOutMedia>([], found.map(dated));
        let layout = layOut<LaidOutMedia>(emptyLayout(grid), items);
        for (const removal of removals) {
          const at = removal % Math.max(1, items.length);
          items = items.filter((_, index) => index !== at);
          layout = layOut(layout, items);
          expect(layout).toEqual(layOut<LaidOutMedia>(emptyLayout(grid), items));
        }
      },
    ),
  );
});

test('every row that is not the last of its day fills the width', () => {
  fc.assert(
    fc.property(shape, fc.uniqueArray(media, { selector: ({ id }) => id, maxLength: 60 }), (grid, found) => {
      const { rows } = layOut<LaidOutMedia>(
        emptyLayout(grid),
        mergeMedia<LaidOutMedia>([], found.map(dated)),
      );
      for (const [at, row] of rows.entries()) {
        if (row.type !== 'cells' || rows[at + 1]?.type !== 'cells') continue;
        const width = row.cells.reduce((sum, cell) => sum + cell.width + grid.gap, -grid.gap);
        expect(width).toBe(grid.width);
      }
    }),
  );
});
