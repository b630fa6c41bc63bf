import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { MediaView } from '../api.js';
import { favourites, toggleFavourites } from '../favourites.js';
import { dayName, describe, monthName } from '../format.js';
import type { Headings } from '../heading-key.js';
import { t } from '../languages/text.js';
import { sayProblem } from '../live.js';
import type { MediaList } from '../media-list.js';
import type { Selection } from '../selection.js';
import { emptyLayout, layOut, type GridRow, type Layout } from './layout.js';
import { Tile } from './tile.js';
import { useSelecting } from './use-selecting.js';
import { useVisibleRows } from './use-visible-rows.js';

interface GridProps {
  readonly list: MediaList;
  readonly selection: Selection;
  /** The address of the page of one media item. */
  readonly hrefOf: (id: string) => string;
  /** Months, for few media items of many days. */
  readonly headings: Headings;
}

const gap = 6;
/** The next page is loaded when less than this height, in pixels, is left below the visible rows. */
const loadAhead = 1_500;

export function Grid({ list, selection, hrefOf, headings }: GridProps) {
  const place = useRef<HTMLDivElement>(null);
  const { width, top } = usePlace(place);
  const layout = useLayout(list.items.value, width, headings);
  const visible = useVisibleRows(layout, top);
  const last = visible.at(-1);
  const left = layout.height - (last ? last.top + last.height : 0);
  const status = list.status.value;
  useEffect(() => {
    if (status === 'idle' && left < loadAhead) void list.loadMore();
  }, [status, left, list]);

  const selecting = useSelecting(selection, {
    order: () => list.items.value.map(({ id }) => id),
    star: (ids) => void toggleFavourites(ids).catch(sayProblem),
  });
  const isSelecting = selection.ids.value.size > 0;

  return (
    <div
      ref={place}
      class={`grid ${isSelecting ? 'selecting' : ''}`}
      style={{ height: layout.height }}
      {...selecting}
    >
      {visible.map((row) => (
        <Row key={row.key} row={row} selection={selection} hrefOf={hrefOf} headings={headings} />
      ))}
    </div>
  );
}

/** Lays out the list. A new page or a changed media item reuses the rows that are already laid out. */
function useLayout(items: readonly MediaView[], width: number, headings: Headings): Layout {
  const before = useRef<Layout | undefined>(undefined);
  return useMemo(() => {
    const shape = { width, gap, headings, rowHeight: width < 600 ? 118 : 188 };
    const known = before.current;
    const isAlike = known?.shape.width === width && known.shape.headings === headings;
    const earlier = isAlike ? known : emptyLayout(shape);
    before.current = width === 0 ? earlier : layOut(earlier, items);
    return before.current;
  }, [items, width, headings]);
}

interface RowProps extends Pick<GridProps, 'selection' | 'hrefOf' | 'headings'> {
  readonly row: GridRow;
}

function Row({ row, selection, hrefOf, headings }: RowProps) {
  const style = { transform: `translateY(${String(row.top)}px)`, height: row.height };
  if (row.type === 'heading') {
    return (
      <h2 class="day" style={style}>
        {headings === 'day' ? dayName(row.receivedAt) : monthName(new Date(row.receivedAt))}
      </h2>
    );
  }
  return (
    <div class="row" style={style}>
      {row.cells.map(({ media, width }) => (
        <Cell key={media.id} media={media} selection={selection}>
          <Tile
            media={media}
            href={hrefOf(media.id)}
            width={width}
            height={row.height - gap}
            withDay={headings === 'month'}
            isFavourite={favourites.value.has(media.id)}
          />
        </Cell>
      ))}
    </div>
  );
}

interface CellProps {
  readonly media: MediaView;
  readonly selection: Selection;
  readonly children: ComponentChildren;
}

/** A tile with the mark that selects it. With the keyboard, the space bar on the tile does the same. */
function Cell({ media, selection, children }: CellProps) {
  const isSelected = selection.ids.value.has(media.id);
  return (
    <div class={`cell ${isSelected ? 'selected' : ''}`} data-id={media.id}>
      {children}
      <input
        type="checkbox"
        class="cell-mark"
        tabIndex={-1}
        checked={isSelected}
        aria-label={t('attention.select', { media: describe(media) })}
      />
    </div>
  );
}

/**
 * The width of the grid and its distance from the top of the page, in pixels. Both change with the window and
 * the content above.
 */
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
