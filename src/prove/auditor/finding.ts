/** Something that is not as it must be. */
export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

export type FindingKind = 'lost' | 'doubled' | 'orphaned' | 'wrong bytes' | 'event' | 'not erased';

/** Those that stand for more than one entry of their key, with how often. */
export function countsOver<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/** Everything that stands under the same key. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string | null): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === null) continue;
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
