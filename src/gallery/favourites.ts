/** The favourites of the user, as far as the pages have asked: a media item itself does not say whose it is. */
import { signal, type ReadonlySignal } from '@preact/signals';

import { api } from './api.js';

/** The most ids that the service takes at once. */
const maxAsked = 200;

const known = signal<ReadonlySet<string>>(new Set());
export const favourites: ReadonlySignal<ReadonlySet<string>> = known;

/**
 * When the star of each media item was last changed here, counted in changes: an answer that was asked for
 * before a change must not undo it.
 */
const changedAt = new Map<string, number>();
let changes = 0;
/** How often the user has changed. An answer about the stars of the previous user comes too late. */
let users = 0;

/** Finds out which of these media are favourites. A star that is missing is no reason for a message. */
export async function learnFavourites(ids: readonly string[]): Promise<void> {
  for (let first = 0; first < ids.length; first += maxAsked) {
    const asked = ids.slice(first, first + maxAsked);
    const before = changes;
    const user = users;
    const found = await api.media.favourites(asked).catch(() => undefined);
    if (user !== users) return;
    const isCurrent = (id: string): boolean => (changedAt.get(id) ?? 0) <= before;
    if (found) replace(asked.filter(isCurrent), found.filter(isCurrent));
  }
}

/** Stars these media, or removes the stars if all of them have one. Rejects if the service refuses. */
export async function toggleFavourites(ids: readonly string[]): Promise<void> {
  const areAll = ids.every((id) => known.value.has(id));
  for (const id of ids) {
    await (areAll ? api.media.removeFavourite(id) : api.media.addFavourite(id));
    changes += 1;
    changedAt.set(id, changes);
    replace([id], areAll ? [] : [id]);
  }
}

/** Forgets whose stars these were, for another user in the same page. */
export function forgetFavourites(): void {
  known.value = new Set();
  changedAt.clear();
  users += 1;
}

function replace(asked: readonly string[], found: readonly string[]): void {
  const next = new Set(known.value);
  for (const id of asked) next.delete(id);
  for (const id of found) next.add(id);
  known.value = next;
}
