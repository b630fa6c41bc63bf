import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import type { Page } from './api.js';
import { withoutKnown } from './without-known.js';

export interface Pages<Item> {
  readonly items: readonly Item[];
  readonly status: 'loading' | 'idle' | 'end' | 'error';
  readonly error: unknown;
  readonly loadMore: () => void;
  /** Loads the first page again. */
  readonly reload: () => void;
  readonly replace: (next: (items: readonly Item[]) => readonly Item[]) => void;
}

interface State<Item> {
  readonly items: readonly Item[];
  readonly status: Pages<Item>['status'];
  readonly cursor?: string;
  readonly error?: unknown;
}

/** A list that is loaded a page at a time. It starts again when the key changes. */
export function usePages<Item extends { readonly id: string }>(
  load: (cursor?: string) => Promise<Page<Item>>,
  key = '',
): Pages<Item> {
  const [state, setState] = useState<State<Item>>({ items: [], status: 'loading' });
  const latest = useRef(load);
  latest.current = load;
  const turn = useRef(0);
  const fetchPage = useCallback(async (isNew: boolean, cursor?: string): Promise<void> => {
    const mine = (turn.current += 1);
    setState((now) => ({ ...now, items: isNew ? [] : now.items, status: 'loading' }));
    try {
      const page = await latest.current(cursor);
      if (mine !== turn.current) return;
      setState((now) => {
        // Items that were replaced during the request are newer than those of the page.
        const items = [...now.items, ...withoutKnown(page.items, now.items, ({ id }) => id)];
        return page.nextCursor === null
          ? { items, status: 'end' }
          : { items, status: 'idle', cursor: page.nextCursor };
      });
    } catch (error) {
      if (mine === turn.current) setState((now) => ({ ...now, status: 'error', error }));
    }
  }, []);
  const reload = useCallback(() => void fetchPage(true), [fetchPage]);
  useEffect(reload, [reload, key]);
  return {
    items: state.items,
    status: state.status,
    error: state.error,
    loadMore: () => void fetchPage(false, state.cursor),
    reload,
    replace: (next) => {
      setState((now) => ({ ...now, items: next(now.items) }));
    },
  };
}
