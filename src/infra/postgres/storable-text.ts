/**
 * Removes what PostgreSQL cannot store in a text: NUL and unpaired surrogates, which occur in hostile
 * payloads only.
 */
import { isStorable } from '../../domain/text.js';

// eslint-disable-next-line no-control-regex -- NUL is what is removed.
const nul = /\u0000/g;

/**
 * The text in a form that can be stored, cut to `maxLength` UTF-16 units between two user-perceived
 * characters.
 */
export function storable(text: string, maxLength: number): string {
  const isUnchanged = text.length <= maxLength && isStorable(text);
  return isUnchanged ? text : cut(text.replace(nul, ''), maxLength).toWellFormed();
}

/** At most two extensions, as in `.tar.gz`. */
const extensions = /(?:\.[\p{L}\p{N}]{1,10}){1,2}$/u;
const maxExtensionsLength = 22;

/** What can be seen and is more than a dot: neither spaces nor characters that only control others. */
const visible = /[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}.]/u;

/**
 * The name of a file in a form that can be stored. Its extensions remain when it is cut. Null for a name in which
 * nothing can be seen: nobody could click on it. Dots alone name folders.
 */
export function storableName(name: string | null, maxLength: number): string | null {
  if (name === null || !visible.test(name)) return null;
  if (name.length <= maxLength) return storable(name, maxLength);
  const [extension = ''] = extensions.exec(name.slice(-maxExtensionsLength)) ?? [];
  const stem = name.slice(0, name.length - extension.length);
  return storable(stem, maxLength - extension.length) + extension;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** Longer than any genuine character: an emoji of a family has about 25 units. */
const maxGraphemeLength = 100;

function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const from = Math.max(0, maxLength - maxGraphemeLength);
  const around = text.slice(from, maxLength + maxGraphemeLength);
  const start = graphemes.segment(around).containing(maxLength - from)?.index ?? 0;
  return text.slice(0, start === 0 ? maxLength : from + start);
}
