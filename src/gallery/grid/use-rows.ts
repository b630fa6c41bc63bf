import {
  observeWindowOffset,
  observeWindowRect,
  Virtualizer,
  windowScroll,
  type VirtualItem,
} from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

import type { GridRow } from './layout.js';

interface Rows {
  readonly visible: readonly VirtualItem[];
  readonly totalHeight: number;
}

/** Only the rows near what is seen are in the page, however long the list is. */
export function useRows(rows: readonly GridRow[], top: number): Rows {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const keeper = useRef<Virtualizer<Window, Element>>(undefined);
  const options = {
    count: rows.length,
    estimateSize: (index: number) => rows[index]?.height ?? 0,
    getItemKey: (index: number) => rows[index]?.key ?? index,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    initialOffset: window.scrollY,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    scrollMargin: top,
    overscan: 3,
    onChange: () => {
      draw(undefined);
    },
  };
  const virtualizer = (keeper.current ??= new Virtualizer<Window, Element>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => {
    virtualizer._willUpdate();
  });
  // Heights are known exactly: other rows are other heights.
  const laidOut = useRef(rows);
  if (laidOut.current !== rows) {
    laidOut.current = rows;
    virtualizer.measure();
  }
  return { visible: virtualizer.getVirtualItems(), totalHeight: virtualizer.getTotalSize() };
}
