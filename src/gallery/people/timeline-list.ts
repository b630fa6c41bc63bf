/** What was exchanged with a person or in a group, newest first, loaded a page at a time. */
import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';

import { api, type MediaView, type TimelineItem } from '../api.js';
import type { MediaList } from '../media-list.js';
import { cursorAt } from '../place.js';

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
  const pageAt = (place: string | undefined) =>
    api.people.timeline(channel, id, { limit: pageSize, cursor: place }).page();
  const loadMore = async (): Promise<void> => {
    if (status.value === 'loading' || status.value === 'end') return;
    status.value = 'loading';
    try {
      const page = await pageAt(cursor);
      cursor = page.nextCursor ?? undefined;
      batch(() => {
        entries.value = [...entries.value, ...page.items];
        status.value = cursor === undefined ? 'end' : 'idle';
      });
    } catch (problem) {
      batch(() => {
        error.value = problem;
        status.value = 'error';
      });
    }
  };
  const catchUp = async (): Promise<void> => {
    if (begin !== undefined) return;
    entries.value = withNewest(entries.value, (await pageAt(undefined)).items);
  };
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

/** The entries of the newest page replace those that are known, and precede the others. */
function withNewest(
  known: readonly TimelineItem[],
  newest: readonly TimelineItem[],
): readonly TimelineItem[] {
  const ids = new Set(newest.map(idOfEntry));
  return [...newest, ...known.filter((entry) => !ids.has(idOfEntry(entry)))];
}

function withMedia(entry: TimelineItem, media: MediaView): TimelineItem {
  return entry.type === 'media' && entry.media.id === media.id ? { ...entry, media } : entry;
}
