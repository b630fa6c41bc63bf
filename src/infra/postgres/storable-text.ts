/** What PostgreSQL cannot keep in a text: NUL, and halves of surrogate pairs. Both come in hostile payloads only. */
// eslint-disable-next-line no-control-regex -- NUL is what this is about.
const nul = /\u0000/g;

/** The text as it can be stored, cut to `maxLength` UTF-16 units, between two letters as people see them. */
export function storable(text: string, maxLength: number): string {
  const isFine = text.length <= maxLength && !text.includes('\0') && text.isWellFormed();
  return isFine ? text : cut(text.replace(nul, ''), maxLength).toWellFormed();
}

/** Two of them, as in `.tar.gz`, at most. */
const extensions = /(?:\.[\p{L}\p{N}]{1,10}){1,2}$/u;
const longestExtensions = 22;

/** The name of a file as it can be stored: what says how to open it stays when it is cut. */
export function storableName(name: string, maxLength: number): string {
  if (name.length <= maxLength) return storable(name, maxLength);
  const [extension = ''] = extensions.exec(name.slice(-longestExtensions)) ?? [];
  const stem = name.slice(0, name.length - extension.length);
  return storable(stem, maxLength - extension.length) + extension;
}

const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** No letter is longer in earnest: a family of emoji has some 25 units. */
const longestLetter = 100;

function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const from = Math.max(0, maxLength - longestLetter);
  const around = text.slice(from, maxLength + longestLetter);
  const start = letters.segment(around).containing(maxLength - from)?.index ?? 0;
  return text.slice(0, start === 0 ? maxLength : from + start);
}
