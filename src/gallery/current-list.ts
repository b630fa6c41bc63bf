/** The list of the gallery. It survives page changes, so that a user who comes back finds the same place. */
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

/** The next user must not see the files of the previous one. */
effect(() => {
  if (session.value === null) current.value = createMediaList(untracked(() => current.value.filters));
});
