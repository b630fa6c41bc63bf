/** Places in lists that are sorted by ids, which begin with a time. */

/** The cursor that the API would give for the page that follows this item. */
export function cursorBehind(id: string): string {
  return btoa(`1:${id}`).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The cursor of the page that begins with this item. */
export function cursorAt(id: string): string {
  const next = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0');
  return cursorBehind(next.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
}

/** An id that is lower than all ids of this moment and later. */
export function idBefore(moment: Date): string {
  const time = Math.max(0, moment.getTime()).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/** The place in a parameter of the address; undefined if it is none. */
export function readPlace(query: URLSearchParams): string | undefined {
  const id = query.get('at') ?? '';
  return /^[0-7][0-9a-f]{7}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : undefined;
}
