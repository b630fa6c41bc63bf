/** What was exchanged with a person or in a group, newest first, loaded a page at a time. */
import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';

import { createAnnounced } from '../announced.js';
import { api, type MediaView, type TimelineItem } from '../api.js';
import type { MediaList } from '../media-list.js';
import { oneAtATime } from '../one-at-a-time.js';
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
export function createTimelineList({ channel, id }: Whom, begin?: string): TimelineList {
  const entries = signal<readonly TimelineItem[]>([]);
  const status = signal<'loading' | 'idle' | 'end' | 'error'>('idle');
  const error = signal<unknown>(undefined);
  let cursor = begin === undefined ? undefined : cursorAt(begin);
  const announced = createAnnounced();
  const pageAt = async (place: string | undefined) => {
    const request = api.people.timeline(channel, id, { limit: pageSize, cursor: place }).page();
    const { page, latest } = await announced.during(request);
    const items = page.items.map((entry) =>
      entry.type === 'media' ? { ...entry, media: latest(entry.media) } : entry,
    );
    return { items, nextCursor: page.nextCursor };
  };
  const loadMore = async (): Promise<void> => {
    if (status.value === 'loading' || status.value === 'end') return;
    status.value = 'loading';
    try {
      const page = await pageAt(cursor);
      cursor = page.nextCursor ?? undefined;
      batch(() => {
        entries.value = [...entries.value, ...withoutKnown(page.items, entries.value, idOfEntry)];
        status.value = cursor === undefined ? 'end' : 'idle';
      });
    } catch (problem) {
      batch(() => {
        error.value = problem;
        status.value = 'error';
      });
    }
  };
  const catchUp = oneAtATime(async () => {
    if (begin !== undefined) return;
    const { items } = await pageAt(undefined);
    entries.value = [...items, ...withoutKnown(entries.value, items, idOfEntry)];
  });
  return {
    entries,
    media: {
      filters: { channel, from: id },
      begin,
      items: computed(() => entries.value.flatMap((entry) => (entry.type === 'media' ? [entry.media] : []))),
      waiting: signal(0),
      status,
      error,
      loadMore,
      take: (media) => {
        announced.take(media);
        entries.value = entries.value.map((entry) => withMedia(entry, media));
        return false;
      },
      showWaiting: () => undefined,
      catchUp,
    },
  };
}

export function idOfEntry(entry: TimelineItem): string {
  return entry.type === 'media' ? entry.media.id : entry.id;
}

function withMedia(entry: TimelineItem, media: MediaView): TimelineItem {
  return entry.type === 'media' && entry.media.id === media.id ? { ...entry, media } : entry;
}
