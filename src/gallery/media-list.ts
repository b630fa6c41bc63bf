/**
 * The media items of one view, newest first, loaded a page at a time, together with those that arrive
 * meanwhile.
 */
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';

import { createSequence } from '../domain/concurrent-calls.js';
import { createAnnounced, type Announced } from './announced.js';
import { api, type MediaView } from './api.js';
import { learnFavourites } from './favourites.js';
import { matches, toApiQuery, type Filters } from './filters.js';
import { mergeMedia } from './merge-media.js';
import { cursorAt, cursorBehind } from './place.js';
import { withoutKnown } from './without-known.js';

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
  const loading = createLoading({ filters, items, waiting, announced }, startOf(begin));
  /** The first page, if it waits and does not reach the items of the list: others are missing between them. */
  let apart: LoadedPage | undefined;
  const add = (media: MediaView, showAtOnce: boolean): boolean => {
    if (has(items, media)) {
      items.value = withCopies(items.value, [media]);
      return false;
    }
    const isKnown = has(waiting, media);
    if (isKnown) waiting.value = withoutKnown(waiting.value, [media], idOf);
    // Between a new item and the place where this list begins, others are missing.
    if (place !== undefined || !matches(filters, media)) return false;
    const target = showAtOnce ? items : waiting;
    target.value = mergeMedia(target.value, [media]);
    return !isKnown;
  };
  /** The service knows better than `matches` what belongs into the list. */
  const addPage = ({ media }: LoadedPage, showAtOnce: boolean): void => {
    items.value =
      showAtOnce && place === undefined ? mergeMedia(items.value, media) : withCopies(items.value, media);
    if (place === undefined)
      waiting.value = withoutKnown(mergeMedia(waiting.value, media), items.value, idOf);
  };
  return {
    filters,
    begin: place,
    items,
    waiting: computed(() => waiting.value.length),
    status: loading.status,
    error: loading.error,
    loadMore: loading.loadMore,
    take: (media, showAtOnce) => {
      announced.take(media);
      return add(media, showAtOnce);
    },
    showWaiting: () => {
      batch(() => {
        if (apart) loading.beginAgain(apart);
        apart = undefined;
        items.value = mergeMedia(items.value, waiting.value);
        waiting.value = [];
      });
    },
    catchUp: async (showAtOnce) => {
      const newest = newestOf([...items.value.slice(0, 1), ...waiting.value.slice(0, 1)]);
      await loading.firstPage((page) => {
        const isApart = place === undefined && page.cursor !== undefined && lastOf(page) > newest;
        if (isApart && showAtOnce) loading.beginAgain(page);
        else if (isApart) apart = page;
        addPage(page, showAtOnce);
      });
    },
  };
}

function has({ value }: Items, media: MediaView): boolean {
  return value.some(({ id }) => id === media.id);
}

const idOf = ({ id }: MediaView): string => id;

/** The items, with these copies instead of older ones. */
function withCopies(known: readonly MediaView[], copies: readonly MediaView[]): readonly MediaView[] {
  const byId = new Map(copies.map((media) => [media.id, media]));
  return known.map((item) => byId.get(item.id) ?? item);
}

/** Ids grow with time. */
function newestOf(media: readonly MediaView[]): string {
  return (
    media
      .map(({ id }) => id)
      .sort()
      .at(-1) ?? ''
  );
}

function lastOf({ media }: LoadedPage): string {
  return media.at(-1)?.id ?? '';
}

interface Loading extends Pick<MediaList, 'status' | 'error' | 'loadMore'> {
  /** Loads the first page, and passes it on before another request is sent. */
  readonly firstPage: (take: (page: LoadedPage) => void) => Promise<void>;
  /** Continues behind this page, which is the first one, and forgets everything older. */
  readonly beginAgain: (page: LoadedPage) => void;
}

interface Target {
  readonly filters: Filters;
  readonly items: Items;
  readonly waiting: Items;
  readonly announced: Announced;
}

interface LoadedPage {
  readonly media: readonly MediaView[];
  /** The place of the next page; undefined at the end. */
  readonly cursor: string | undefined;
}

/** Loads one page after the other into `items`. */
function createLoading({ filters, items, waiting, announced }: Target, start: string | undefined): Loading {
  const status = signal<'loading' | 'idle' | 'end' | 'error'>('idle');
  const error = signal<unknown>(undefined);
  const inTurn = createSequence();
  let cursor = start;
  const pageAt = async (from: string | undefined): Promise<LoadedPage> => {
    const request = api.media.list({ ...toApiQuery(filters), limit: pageSize, cursor: from }).page();
    const { page, latest } = await announced.during(request);
    void learnFavourites(page.items.map(({ id }) => id));
    return { media: page.items.map(latest), cursor: page.nextCursor ?? undefined };
  };
  const loadMore = async (): Promise<void> => {
    if (status.value === 'loading' || status.value === 'end') return;
    status.value = 'loading';
    try {
      await inTurn(async () => {
        let page: LoadedPage;
        do {
          page = await pageAt(cursor);
          ({ cursor } = page);
          // One request looks through a bounded number of media, among which there may be none.
        } while (page.media.length === 0 && cursor !== undefined);
        batch(() => {
          items.value = mergeMedia(items.value, page.media);
          waiting.value = withoutKnown(waiting.value, page.media, idOf);
          status.value = cursor === undefined ? 'end' : 'idle';
        });
      });
    } catch (problem) {
      batch(() => {
        error.value = problem;
        status.value = 'error';
      });
    }
  };
  return {
    status,
    error,
    loadMore,
    firstPage: (take) =>
      inTurn(async () => {
        const page = await pageAt(undefined);
        batch(() => {
          take(page);
        });
      }),
    beginAgain: (page) => {
      ({ cursor } = page);
      const last = lastOf(page);
      // What has arrived since the page was read stays.
      items.value = items.value.filter(({ id }) => id >= last);
      waiting.value = waiting.value.filter(({ id }) => id >= last);
      if (status.value !== 'loading') status.value = 'idle';
    },
  };
}

function startOf(begin: MediaView | string | undefined): string | undefined {
  if (begin === undefined) return undefined;
  return typeof begin === 'string' ? cursorAt(begin) : cursorBehind(begin.id);
}
