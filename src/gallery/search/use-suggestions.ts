import { api, type PersonView } from '../api.js';
import { findTags } from '../tags/find-tags.js';
import { useFound } from '../use-found.js';

/** A person or a group, whose page can be opened, or a tag, which becomes a filter. */
export type Suggestion =
  { readonly type: 'person'; readonly person: PersonView } | { readonly type: 'tag'; readonly tag: string };

const mostPeople = 6;
const mostTags = 4;
/** A page of people may be empty although more follow. */
const mostPages = 4;

/**
 * The people and groups whose name or number contains the text, and the tags that begin with it, after a pause
 * in typing.
 */
export function useSuggestions(text: string): readonly Suggestion[] {
  return useFound(text === '' ? null : text, suggest);
}

async function suggest(text: string, signal: AbortSignal): Promise<readonly Suggestion[]> {
  const [people, tags] = await Promise.all([findPeople(text, signal), findTags(text, { signal })]);
  return [
    ...people.map((person) => ({ type: 'person', person }) as const),
    ...tags.slice(0, mostTags).map((tag) => ({ type: 'tag', tag }) as const),
  ];
}

async function findPeople(q: string, signal: AbortSignal): Promise<readonly PersonView[]> {
  const found: PersonView[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages && found.length < mostPeople; page += 1) {
    const { items, nextCursor } = await api.people.list({ q, limit: mostPeople, cursor }, { signal }).page();
    found.push(...items);
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  return found.slice(0, mostPeople);
}
