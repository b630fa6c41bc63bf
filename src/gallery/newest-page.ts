/** The first page of a list that was loaded before, for what has changed since. */
import type { Page } from './api.js';
import { withoutKnown } from './without-known.js';

/**
 * The list with its first page as it is now, which replaces everything down to the end of the page. `cursor` is where
 * the list continues if the page does not reach the known items: others are missing between them, so the list begins
 * again. It is null if there is nothing behind the page, and undefined if the list continues as before.
 */
export function withNewest<Item>(
  known: readonly Item[],
  { items, nextCursor }: Page<Item>,
  idOf: (item: Item) => string,
): { readonly items: readonly Item[]; readonly cursor: string | null | undefined } {
  const ids = new Set(items.map(idOf));
  const last = known.findLastIndex((item) => ids.has(idOf(item)));
  if (nextCursor === null || last < 0) return { items, cursor: nextCursor };
  return { items: [...items, ...withoutKnown(known.slice(last + 1), items, idOf)], cursor: undefined };
}
