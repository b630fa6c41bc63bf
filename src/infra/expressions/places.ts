/**
 * Finds where texts stand in data. Runs inside the context of an expression, from its source text (see
 * sandbox.ts), so that no large text is copied to be compared.
 */

/** The pointers (RFC 6901) of the first occurrences of the texts. */
export function placesOf(wanted: ReadonlySet<string>, data: unknown): Map<string, string> {
  const places = new Map<string, string>();
  const open = [{ value: data, pointer: '' }];
  for (let next = open.pop(); next && places.size < wanted.size; next = open.pop()) {
    const { value, pointer } = next;
    if (typeof value === 'string') {
      if (wanted.has(value) && !places.has(value)) places.set(value, pointer);
    } else if (typeof value === 'object' && value !== null) {
      const members = Object.entries(value).map(([name, member]: [string, unknown]) => ({
        value: member,
        pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      }));
      // The first member is next.
      for (const member of members.reverse()) open.push(member);
    }
  }
  return places;
}
