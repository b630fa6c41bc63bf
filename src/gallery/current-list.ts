/** The list behind the gallery. It outlives the page, so that coming back finds everything where it was. */
import { effect, signal, untracked } from '@preact/signals';

import { filterText, readFilters } from './filters.js';
import { createMediaList, type MediaList } from './media-list.js';
import { session } from './session.js';

const current = signal<MediaList>(createMediaList({}));

export function listFor(query: URLSearchParams): MediaList {
  const filters = readFilters(query);
  if (filterText(filters) !== filterText(current.value.filters)) current.value = createMediaList(filters);
  return current.value;
}

/** What one token may see is nothing for the next. */
effect(() => {
  if (session.value === null) current.value = createMediaList(untracked(() => current.value.filters));
});
