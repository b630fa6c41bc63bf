/** Media of one view, newest first, a page at a time, with those that arrive meanwhile. */
import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';

import { api, type MediaView } from './api.js';
import { matches, toApiQuery, type Filters } from './filters.js';

const pageSize = 100;

export interface MediaList {
  readonly filters: Filters;
  readonly items: ReadonlySignal<readonly MediaView[]>;
  /** Arrived since, and not shown yet. */
  readonly waiting: ReadonlySignal<number>;
  readonly status: ReadonlySignal<'loading' | 'idle' | 'end' | 'error'>;
  readonly error: ReadonlySignal<unknown>;
  readonly loadMore: () => Promise<void>;
  /** Takes news in: what is shown already changes in its place; what is new waits, or is shown at once. */
  readonly take: (media: MediaView, showAtOnce: boolean) => boolean;
  readonly showWaiting: () => void;
  /** Looks for what may have been missed while nothing could be heard. */
  readonly catchUp: (showAtOnce: boolean) => Promise<void>;
}

export function createMediaList(filters: Filters, begin?: MediaView): MediaList {
  const items = signal<readonly MediaView[]>(begin ? [begin] : []);
  const waiting = signal<readonly MediaView[]>([]);
  const status = signal<'loading' | 'idle' | 'end' | 'error'>('idle');
  const error = signal<unknown>(undefined);
  let cursor: string | undefined = begin && cursorBehind(begin.id);

  const loadMore = async (): Promise<void> => {
    if (status.value === 'loading' || status.value === 'end') return;
    status.value = 'loading';
    try {
      const page = await api.media.list({ ...toApiQuery(filters), limit: pageSize, cursor }).page();
      batch(() => {
        items.value = merge(items.value, page.items);
        cursor = page.nextCursor ?? undefined;
        status.value = page.nextCursor === null ? 'end' : 'idle';
      });
    } catch (problem) {
      batch(() => {
        error.value = problem;
        status.value = 'error';
      });
    }
  };

  const take = (media: MediaView, showAtOnce: boolean): boolean => {
    if (items.value.some(({ id }) => id === media.id)) {
      items.value = items.value.map((item) => (item.id === media.id ? media : item));
      return false;
    }
    if (!matches(filters, media)) return false;
    if (showAtOnce) items.value = merge(items.value, [media]);
    else waiting.value = merge(waiting.value, [media]);
    return true;
  };

  const showWaiting = (): void => {
    batch(() => {
      items.value = merge(items.value, waiting.value);
      waiting.value = [];
    });
  };

  const catchUp = async (showAtOnce: boolean): Promise<void> => {
    const page = await api.media.list({ ...toApiQuery(filters), limit: pageSize }).page();
    batch(() => {
      for (const media of page.items) take(media, showAtOnce);
    });
  };

  return {
    filters,
    items,
    waiting: computed(() => waiting.value.length),
    status,
    error,
    loadMore,
    take,
    showWaiting,
    catchUp,
  };
}

/** Ids grow with time. The newer copy of what is in both counts. */
function merge(list: readonly MediaView[], more: readonly MediaView[]): readonly MediaView[] {
  if (more.length === 0) return list;
  const byId = new Map([...list, ...more].map((media) => [media.id, media]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** A cursor as the API makes them: the page behind this media. */
function cursorBehind(id: string): string {
  return btoa(`1:${id}`).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
