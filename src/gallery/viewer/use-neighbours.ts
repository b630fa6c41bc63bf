import { useEffect, useMemo, useState } from 'preact/hooks';

import type { MediaView } from '../api.js';
import { createMediaList, type MediaList } from '../media-list.js';

interface Neighbours {
  readonly newer: string | undefined;
  readonly older: string | undefined;
}

/**
 * The ids before and after a media item in the list of the gallery, or in a list of its own if the visitor
 * opened its address directly.
 */
export function useNeighbours(id: string, list: MediaList, media: MediaView | undefined): Neighbours {
  const [own, setOwn] = useState<MediaList>();
  const isIn = (candidate: MediaList | undefined): boolean =>
    candidate?.items.value.some((item) => item.id === id) ?? false;
  const sequence = [list, own].find(isIn);
  const isListed = sequence !== undefined;
  const hasLooked = list.status.value !== 'loading' && list.items.value.length > 0;
  useEffect(() => {
    if (media && hasLooked && !isListed) setOwn(createMediaList(list.filters, media));
  }, [media, hasLooked, isListed, list]);

  const items = sequence?.items.value ?? none;
  const at = items.findIndex((item) => item.id === id);
  const isNearEnd = at >= items.length - 3;
  const status = sequence?.status.value;
  useEffect(() => {
    if (sequence && isNearEnd && status === 'idle') void sequence.loadMore();
  }, [sequence, isNearEnd, status]);
  return useMemo(
    () => (at < 0 ? alone : { newer: items[at - 1]?.id, older: items[at + 1]?.id }),
    [items, at],
  );
}

const none: readonly MediaView[] = [];
const alone: Neighbours = { newer: undefined, older: undefined };
