import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { MediaList } from '../media-list.js';
import { moveFocus } from './arrow-keys.js';
import { layOut, type GridRow } from './layout.js';
import { Tile } from './tile.js';
import { useRows } from './use-rows.js';

interface GridProps {
  readonly list: MediaList;
  /** The address of one media. */
  readonly hrefOf: (id: string) => string;
}

const gap = 6;
/** The next page is asked for when so many pixels are left below what is seen. */
const ahead = 1_500;

export function Grid({ list, hrefOf }: GridProps) {
  const place = useRef<HTMLDivElement>(null);
  const { width, top } = usePlace(place);
  const items = list.items.value;
  const rows = useMemo(
    () => (width === 0 ? [] : layOut(items, { width, gap, rowHeight: width < 600 ? 118 : 188 })),
    [items, width],
  );
  const { visible, totalHeight } = useRows(rows, top);
  const lastShown = visible.at(-1)?.end ?? 0;
  const status = list.status.value;
  useEffect(() => {
    if (status === 'idle' && lastShown + ahead > totalHeight + top) void list.loadMore();
  }, [status, lastShown, totalHeight, top, list]);

  return (
    <div
      ref={place}
      class="grid"
      style={{ height: totalHeight }}
      onKeyDown={(event) => {
        moveFocus(event);
      }}
    >
      {visible.map(({ index, start }) => {
        const row = rows[index];
        return row && <Row key={row.key} row={row} y={start - top} hrefOf={hrefOf} />;
      })}
    </div>
  );
}

interface RowProps {
  readonly row: GridRow;
  readonly y: number;
  readonly hrefOf: (id: string) => string;
}

function Row({ row, y, hrefOf }: RowProps) {
  const style = { transform: `translateY(${String(y)}px)`, height: row.height };
  if (row.type === 'day') {
    return (
      <h2 class="day" style={style}>
        {row.name}
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

/** How wide the grid may be and where in the page it begins; both change with the window and with what is above. */
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
