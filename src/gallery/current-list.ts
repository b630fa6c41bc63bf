/** The list of the gallery. It survives page changes, so that a user who comes back finds the same place. */
import { effect, signal, untracked } from '@preact/signals';

import { forgetFavourites } from './favourites.js';
import { filterText, readFilters } from './filters.js';
import { createMediaList, type MediaList } from './media-list.js';
import { readPlace } from './place.js';
import { addressWith, forgetScrollPosition, navigate } from './router.js';
import { session } from './session.js';

const current = signal<MediaList>(createMediaList({}));

/** The list of a view. A new one begins at the place in the address, if there is one. */
export function listFor(query: URLSearchParams): MediaList {
  const filters = readFilters(query);
  const isSame = filterText(filters) === filterText(current.value.filters);
  const place = isSame && isUsed(current.value) ? undefined : readPlace(query);
  if (place !== undefined) {
    current.value = createMediaList(filters, place);
    forgetScrollPosition();
  } else if (!isSame) current.value = createMediaList(filters);
  return current.value;
}

function isUsed({ items, status, begin }: MediaList): boolean {
  return begin !== undefined || status.peek() !== 'idle' || items.peek().length > 0;
}

/** Begins the list with the newest media item again. */
export function showNewest(): void {
  navigate(addressWith({ at: null }), { replace: true });
  window.scrollTo(0, 0);
  current.value = createMediaList(current.value.filters);
}

/** Whose files and stars the pages have. */
let owner: string | undefined;

/** The next user must not see the files and the stars of the previous one, who may not have signed out. */
effect(() => {
  const next = session.value?.tokenId;
  if (next === owner) return;
  owner = next;
  forgetFavourites();
  current.value = createMediaList(untracked(() => current.value.filters));
});
