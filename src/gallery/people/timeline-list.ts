/** What was exchanged with a person or in a group, newest first, loaded a page at a time. */
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';

import { createSequence } from '../../domain/concurrent-calls.js';
import { createAnnounced } from '../announced.js';
import { api, type MediaView, type Page, type TimelineItem } from '../api.js';
import type { MediaList } from '../media-list.js';
import { withNewest } from '../newest-page.js';
import { withFewRequests } from '../few-requests.js';
import { cursorAt } from '../place.js';
import { withoutKnown } from '../without-known.js';

const pageSize = 50;

export interface TimelineList {
  readonly entries: ReadonlySignal<readonly TimelineItem[]>;
  /** The media among the entries, for the viewer. It has the state of loading of the whole list. */
  readonly media: MediaList;
}

interface Whom {
  readonly channel: string;
  readonly id: string;
}

/** `begin` is the id of the entry that the list begins with, for a user who comes back to a place in it. */
export function createTimelineList(whom: Whom, begin?: string): TimelineList {
  const entries = signal<readonly TimelineItem[]>([]);
  const announced = createAnnounced();
  const loadPage = async (cursor: string | undefined): Promise<Page<TimelineItem>> => {
    const request = api.people.timeline(whom.channel, whom.id, { limit: pageSize, cursor }).page();
    const { page, latest } = await announced.during(request);
    const items = page.items.map((entry) =>
      entry.type === 'media' ? { ...entry, media: latest(entry.media) } : entry,
    );
    return { ...page, items };
  };
  return {
    entries,
    media: {
      filters: { channel: whom.channel, from: whom.id },
      begin,
      items: computed(() => entries.value.flatMap((entry) => (entry.type === 'media' ? [entry.media] : []))),
      waiting: signal(0),
      ...createLoading(entries, loadPage, begin),
      take: (media) => {
        announced.take(media);
        // Most events of a channel are about other people.
        if (entries.value.some((entry) => idOfEntry(entry) === media.id))
          entries.value = entries.value.map((entry) => withMedia(entry, media));
        return false;
      },
      showWaiting: () => undefined,
    },
  };
}

/** Loads the pages one after the other, and the first one again. */
function createLoading(
  entries: Signal<readonly TimelineItem[]>,
  loadPage: (cursor: string | undefined) => Promise<Page<TimelineItem>>,
  begin: string | undefined,
): Pick<MediaList, 'status' | 'error' | 'loadMore' | 'catchUp'> {
  const status = signal<'loading' | 'idle' | 'end' | 'error'>('idle');
  const error = signal<unknown>(undefined);
  const inTurn = createSequence();
  let cursor = begin === undefined ? undefined : cursorAt(begin);
  const loadMore = async (): Promise<void> => {
    if (status.value === 'loading' || status.value === 'end') return;
    status.value = 'loading';
    try {
      await inTurn(async () => {
        const page = await loadPage(cursor);
        cursor = page.nextCursor ?? undefined;
        batch(() => {
          entries.value = [...entries.value, ...withoutKnown(page.items, entries.value, idOfEntry)];
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
  const catchUp = withFewRequests(async () => {
    if (begin !== undefined) return;
    await inTurn(async () => {
      const newest = withNewest(entries.value, await loadPage(undefined), idOfEntry);
      batch(() => {
        entries.value = newest.items;
        if (newest.cursor === undefined) return;
        cursor = newest.cursor ?? undefined;
        if (status.value !== 'loading') status.value = cursor === undefined ? 'end' : 'idle';
      });
    });
  });
  return { status, error, loadMore, catchUp };
}

export function idOfEntry(entry: TimelineItem): string {
  return entry.type === 'media' ? entry.media.id : entry.id;
}

function withMedia(entry: TimelineItem, media: MediaView): TimelineItem {
  return entry.type === 'media' && entry.media.id === media.id ? { ...entry, media } : entry;
}
