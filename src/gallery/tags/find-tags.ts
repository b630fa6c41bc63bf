import { api } from '../api.js';

/** The most characters of a tag. */
export const longestTag = 64;

interface TagSearch {
  /** Only the tags of this channel. */
  readonly channel?: string | undefined;
  readonly signal?: AbortSignal;
}

/** The tags that begin with a text; no tag is longer than {@link longestTag}. */
export async function findTags(
  text: string,
  { channel, signal }: TagSearch = {},
): Promise<readonly string[]> {
  if (text.length > longestTag) return [];
  return api.media.tags({ channel, q: text === '' ? undefined : text }, { signal });
}
