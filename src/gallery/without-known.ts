/** The items that are not among the known ones, for lists whose pages overlap because the first was loaded again. */
export function withoutKnown<Item>(
  items: readonly Item[],
  known: readonly Item[],
  idOf: (item: Item) => string,
): readonly Item[] {
  const ids = new Set(known.map(idOf));
  return items.filter((item) => !ids.has(idOf(item)));
}
