/** A violation of a rule. */
export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

export type FindingKind = 'lost' | 'doubled' | 'orphaned' | 'wrong bytes' | 'event' | 'not erased';

/** Keys with more than one entry, and their count. */
export function countsOver<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/** All entries with the same key. */
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
