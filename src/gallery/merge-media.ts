import type { Media } from '../client/answers.js';

type Listed = Pick<Media, 'id'>;

/**
 * Joins a list, newest first, with media items that were loaded or announced later; their copies replace
 * older ones. Ids grow with time. A further page is simply appended, so that it does not cost more the longer
 * the list is.
 */
export function mergeMedia<Item extends Listed>(
  list: readonly Item[],
  more: readonly Item[],
): readonly Item[] {
  if (more.length === 0) return list;
  const added = [...more].sort(newestFirst);
  if (isBelow(list.at(-1), added[0])) return [...list, ...added];
  const byId = new Map([...list, ...added].map((media) => [media.id, media]));
  return [...byId.values()].sort(newestFirst);
}

function isBelow(last: Listed | undefined, next: Listed | undefined): boolean {
  return last === undefined || next === undefined || next.id < last.id;
}

function newestFirst(a: Listed, b: Listed): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}
