/**
 * The media items of one view, newest first, loaded a page at a time, together with those that arrive
 * meanwhile.
 */
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';

import { createAnnounced, type Announced } from './announced.js';
import { api, type MediaView } from './api.js';
import { learnFavourites } from './favourites.js';
import { matches, toApiQuery, type Filters } from './filters.js';
import { mergeMedia } from './merge-media.js';
import { cursorAt, cursorBehind } from './place.js';

const pageSize = 100;

export interface MediaList {
  readonly filters: Filters;
  /** The id that the list begins with, if there may be newer items that it does not show. */
  readonly begin: string | undefined;
  readonly items: ReadonlySignal<readonly MediaView[]>;
  /** Number of media items that arrived and are not shown yet. */
  readonly waiting: ReadonlySignal<number>;
  readonly status: ReadonlySignal<'loading' | 'idle' | 'end' | 'error'>;
  readonly error: ReadonlySignal<unknown>;
  readonly loadMore: () => Promise<void>;
  /**
   * Adds or updates a media item. A new one waits unless `showAtOnce`; the result tells whether it is new.
   */
  readonly take: (media: MediaView, showAtOnce: boolean) => boolean;
  readonly showWaiting: () => void;
  /** Loads the newest page again, for what happened while there was no stream of events. */
  readonly catchUp: (showAtOnce: boolean) => Promise<void>;
}

type Items = Signal<readonly MediaView[]>;

/**
 * `begin` is the media item that the list continues from, for a visitor who opened the address of a single
 * one, or its id, for one who comes back to a place in the list.
 */
export function createMediaList(filters: Filters, begin?: MediaView | string): MediaList {
  const first = typeof begin === 'object' ? begin : undefined;
  const place = typeof begin === 'string' ? begin : undefined;
  const items: Items = signal(first ? [first] : []);
  const waiting: Items = signal([]);
  const announced = createAnnounced();
  const add = (media: MediaView, showAtOnce: boolean): boolean => {
    if (items.value.some(({ id }) => id === media.id)) {
      items.value = items.value.map((item) => (item.id === media.id ? media : item));
      return false;
    }
    // Between a new item and the place where this list begins, others are missing.
    if (place !== undefined || !matches(filters, media)) return false;
    const target = showAtOnce ? items : waiting;
    target.value = mergeMedia(target.value, [media]);
    return true;
  };
  return {
    filters,
    begin: place,
    items,
    waiting: computed(() => waiting.value.length),
    ...createLoading({ filters, items, announced }, startOf(begin)),
    take: (media, showAtOnce) => {
      announced.take(media);
      return add(media, showAtOnce);
    },
    showWaiting: () => {
      batch(() => {
        items.value = mergeMedia(items.value, waiting.value);
        waiting.value = [];
      });
    },
    catchUp: async (showAtOnce) => {
      const request = api.media.list({ ...toApiQuery(filters), limit: pageSize }).page();
      const { page, latest } = await announced.during(request);
      batch(() => {
        for (const media of page.items) add(latest(media), showAtOnce);
      });
    },
  };
}

type Loading = Pick<MediaList, 'status' | 'error' | 'loadMore'>;

interface Target {
  readonly filters: Filters;
  readonly items: Items;
  readonly announced: Announced;
}

/** Loads one page after the other into `items`. */
function createLoading({ filters, items, announced }: Target, start: string | undefined): Loading {
  const status = signal<'loading' | 'idle' | 'end' | 'error'>('idle');
  const error = signal<unknown>(undefined);
  let cursor = start;
  const loadMore = async (): Promise<void> => {
    if (status.value === 'loading' || status.value === 'end') return;
    status.value = 'loading';
    try {
      let more: readonly MediaView[];
      do {
        const request = api.media.list({ ...toApiQuery(filters), limit: pageSize, cursor }).page();
        const { page, latest } = await announced.during(request);
        cursor = page.nextCursor ?? undefined;
        more = page.items.map(latest);
        // One request looks through a bounded number of media, among which there may be none.
      } while (more.length === 0 && cursor !== undefined);
      void learnFavourites(more.map(({ id }) => id));
      batch(() => {
        items.value = mergeMedia(items.value, more);
        status.value = cursor === undefined ? 'end' : 'idle';
      });
    } catch (problem) {
      batch(() => {
        error.value = problem;
        status.value = 'error';
      });
    }
  };
  return { status, error, loadMore };
}

function startOf(begin: MediaView | string | undefined): string | undefined {
  if (begin === undefined) return undefined;
  return typeof begin === 'string' ? cursorAt(begin) : cursorBehind(begin.id);
}
