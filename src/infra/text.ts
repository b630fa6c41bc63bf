/** What PostgreSQL cannot keep in a text: NUL, and halves of surrogate pairs. Both come in hostile payloads only. */
// eslint-disable-next-line no-control-regex -- NUL is what this is about.
const nul = /\u0000/g;

/** The text as it can be stored, cut to `maxLength` UTF-16 units. */
export function storable(text: string, maxLength: number): string {
  const isFine = text.length <= maxLength && !text.includes('\0') && text.isWellFormed();
  return isFine ? text : text.replace(nul, '').slice(0, maxLength).toWellFormed();
}
