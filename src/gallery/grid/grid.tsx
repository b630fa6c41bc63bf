import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { MediaView } from '../api.js';
import { dayName } from '../format.js';
import type { MediaList } from '../media-list.js';
import { moveFocus } from './arrow-keys.js';
import { emptyLayout, layOut, type GridRow, type Layout } from './layout.js';
import { Tile } from './tile.js';
import { useVisibleRows } from './use-visible-rows.js';

interface GridProps {
  readonly list: MediaList;
  /** The address of the page of one media item. */
  readonly hrefOf: (id: string) => string;
}

const gap = 6;
/** The next page is loaded when less than this height, in pixels, is left below the visible rows. */
const loadAhead = 1_500;

export function Grid({ list, hrefOf }: GridProps) {
  const place = useRef<HTMLDivElement>(null);
  const { width, top } = usePlace(place);
  const layout = useLayout(list.items.value, width);
  const visible = useVisibleRows(layout, top);
  const last = visible.at(-1);
  const left = layout.height - (last ? last.top + last.height : 0);
  const status = list.status.value;
  useEffect(() => {
    if (status === 'idle' && left < loadAhead) void list.loadMore();
  }, [status, left, list]);

  return (
    <div
      ref={place}
      class="grid"
      style={{ height: layout.height }}
      onKeyDown={(event) => {
        moveFocus(event);
      }}
    >
      {visible.map((row) => (
        <Row key={row.key} row={row} hrefOf={hrefOf} />
      ))}
    </div>
  );
}

/** Lays out the list. A new page or a changed media item reuses the rows that are already laid out. */
function useLayout(items: readonly MediaView[], width: number): Layout {
  const before = useRef<Layout | undefined>(undefined);
  return useMemo(() => {
    const shape = { width, gap, rowHeight: width < 600 ? 118 : 188 };
    const earlier = before.current?.shape.width === width ? before.current : emptyLayout(shape);
    before.current = width === 0 ? earlier : layOut(earlier, items);
    return before.current;
  }, [items, width]);
}

interface RowProps {
  readonly row: GridRow;
  readonly hrefOf: (id: string) => string;
}

function Row({ row, hrefOf }: RowProps) {
  const style = { transform: `translateY(${String(row.top)}px)`, height: row.height };
  if (row.type === 'day') {
    return (
      <h2 class="day" style={style}>
        {dayName(row.receivedAt)}
      </h2>
    );
  }
  return (
    <div class="row" style={style}>
      {row.cells.map(({ media, width }) => (
        <Tile key={media.id} media={media} href={hrefOf(media.id)} width={width} height={row.height - gap} />
      ))}
    </div>
  );
}

/** The width of the grid and its distance from the top of the page, in pixels. Both change with the window and the content above. */
function usePlace(place: { readonly current: HTMLElement | null }): { width: number; top: number } {
  const [found, setFound] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const look = (): void => {
      const element = place.current;
      if (!element) return;
      const top = Math.round(element.getBoundingClientRect().top + window.scrollY);
      const width = element.clientWidth;
      setFound((before) => (before.width === width && before.top === top ? before : { width, top }));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(document.body);
    if (place.current) observer.observe(place.current);
    return () => {
      observer.disconnect();
    };
  }, [place]);
  return found;
}
