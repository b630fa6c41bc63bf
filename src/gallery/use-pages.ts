import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { createSequence } from '../domain/concurrent-calls.js';
import type { Page } from './api.js';
import { withNewest } from './newest-page.js';
import { withoutKnown } from './without-known.js';

export interface Pages<Item> {
  readonly items: readonly Item[];
  readonly status: 'loading' | 'idle' | 'end' | 'error';
  readonly error: unknown;
  readonly loadMore: () => void;
  /** Begins again with the first page. */
  readonly reload: () => void;
  /** Loads the first page again, for what has changed, and keeps the others. Rejects if it cannot be loaded. */
  readonly refresh: () => Promise<void>;
  readonly replace: (next: (items: readonly Item[]) => readonly Item[]) => void;
}

interface State<Item> {
  readonly items: readonly Item[];
  readonly status: Pages<Item>['status'];
  readonly cursor?: string | undefined;
  readonly error?: unknown;
}

/** A list that is loaded a page at a time. It starts again when the key changes. */
export function usePages<Item extends { readonly id: string }>(
  load: (cursor?: string) => Promise<Page<Item>>,
  key = '',
): Pages<Item> {
  const [state, setState] = useState<State<Item>>({ items: [], status: 'loading' });
  const now = useRef(state);
  const latest = useRef(load);
  latest.current = load;
  /** Each beginning has turns of its own; answers to an earlier one are no longer wanted. */
  const turns = useRef(createSequence());
  const change = useCallback((next: State<Item>): void => {
    now.current = next;
    setState(next);
  }, []);
  const loadMore = useCallback((): void => {
    const inTurn = turns.current;
    const isWanted = (): boolean => inTurn === turns.current;
    change({ ...now.current, status: 'loading' });
    void inTurn(async () => {
      try {
        const page = await latest.current(now.current.cursor);
        if (!isWanted()) return;
        const { items } = now.current;
        // Items that were replaced during the request are newer than those of the page.
        change({ items: [...items, ...withoutKnown(page.items, items, idOf)], ...placeOf(page.nextCursor) });
      } catch (error) {
        if (isWanted()) change({ ...now.current, status: 'error', error });
      }
    });
  }, [change]);
  const reload = useCallback((): void => {
    turns.current = createSequence();
    change({ items: [], status: 'loading' });
    loadMore();
  }, [change, loadMore]);
  const refresh = useCallback(async (): Promise<void> => {
    const inTurn = turns.current;
    await inTurn(async () => {
      const page = await latest.current();
      if (inTurn !== turns.current) return;
      const before = now.current;
      const { items, cursor } = withNewest(before.items, page, idOf);
      const place = cursor === undefined ? {} : placeOf(cursor);
      change({ ...before, items, ...place, ...(before.status === 'loading' && { status: 'loading' }) });
    });
  }, [change]);
  useEffect(reload, [reload, key]);
  return {
    items: state.items,
    status: state.status,
    error: state.error,
    loadMore,
    reload,
    refresh,
    replace: (next) => {
      change({ ...now.current, items: next(now.current.items) });
    },
  };
}

function idOf({ id }: { readonly id: string }): string {
  return id;
}

function placeOf(cursor: string | null): Pick<State<never>, 'status' | 'cursor'> {
  return cursor === null ? { status: 'end', cursor: undefined } : { status: 'idle', cursor };
}
