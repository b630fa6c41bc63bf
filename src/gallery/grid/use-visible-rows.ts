import { useLayoutEffect, useState } from 'preact/hooks';

import { firstIndex, type GridRow, type Layout } from './layout.js';

/** Number of rows that are drawn above and below those in sight. */
const overscan = 3;

interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The rows in sight and a few around them, however long the list is. The layout knows the place of each row,
 * so nothing is measured. `top` is the distance of the grid from the top of the page, in pixels.
 */
export function useVisibleRows(layout: Layout, top: number): readonly GridRow[] {
  const [, setShown] = useState<Range>({ start: 0, end: 0 });
  useLayoutEffect(() => {
    const update = (): void => {
      const { start, end } = rangeInSight(layout, top);
      setShown((before) => (before.start === start && before.end === end ? before : { start, end }));
    };
    update();
    window.addEventListener('scroll', update, { passive: true });
    window.addEventListener('resize', update);
    return () => {
      window.removeEventListener('scroll', update);
      window.removeEventListener('resize', update);
    };
  }, [layout, top]);
  const { start, end } = rangeInSight(layout, top);
  return layout.rows.slice(start, end);
}

function rangeInSight({ rows }: Layout, top: number): Range {
  const from = window.scrollY - top;
  const to = from + window.innerHeight;
  const start = firstIndex(rows, (row) => row.top + row.height > from);
  const end = firstIndex(rows, (row) => row.top >= to);
  return { start: Math.max(0, start - overscan), end: end + overscan };
}
