/** The size of one item, or the limit of a group, by the name of each measure. */
type Sizes<Measure extends string> = Readonly<Record<Measure, number>>;

/**
 * Returns how many of the first items stay within the limits together. An item that exceeds a limit by itself
 * forms a group of its own, so the result is 0 only if there are no items.
 */
export function groupSize<Item, Measure extends string>(
  items: readonly Item[],
  sizesOf: (item: Item) => Sizes<Measure>,
  limits: Sizes<Measure>,
): number {
  const measures = Object.keys(limits) as Measure[];
  const totals = new Map<Measure, number>();
  const end = items.findIndex((item, place) => {
    const sizes = sizesOf(item);
    for (const measure of measures) totals.set(measure, (totals.get(measure) ?? 0) + sizes[measure]);
    return place > 0 && measures.some((measure) => (totals.get(measure) ?? 0) > limits[measure]);
  });
  return end < 0 ? items.length : end;
}
