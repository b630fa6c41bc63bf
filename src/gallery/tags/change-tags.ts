import { api, InletError, type MediaView } from '../api.js';
import { plain } from '../plain.js';

/** Another user may be faster several times in a row, but not without end. */
const mostAttempts = 5;

/** The tags with one more, unless one of them differs from it in case and accents only. */
export function withTag(tags: readonly string[], tag: string): readonly string[] {
  return tags.some((one) => plain(one) === plain(tag)) ? tags : [...tags, tag];
}

/** The tags without one, whatever its case and accents. */
export function withoutTag(tags: readonly string[], tag: string): readonly string[] {
  return tags.filter((one) => plain(one) !== plain(tag));
}

/**
 * Changes the tags of a media item. If somebody else was faster, their tags are read and changed in the same
 * way, so that nobody's change is lost.
 */
export async function changeTags(
  media: MediaView,
  change: (tags: readonly string[]) => readonly string[],
): Promise<MediaView> {
  let current = media;
  for (let attempt = 1; ; attempt += 1) {
    const { tags: before, revision } = current.annotations;
    const tags = change(before);
    if (tags.length === before.length) return current;
    try {
      const annotations = await api.media.annotate(current.id, { tags }, { revision });
      return { ...current, annotations };
    } catch (error) {
      const isOvertaken = error instanceof InletError && error.code === 'media.annotated_meanwhile';
      if (!isOvertaken || attempt === mostAttempts) throw error;
      current = await api.media.get(current.id);
    }
  }
}
