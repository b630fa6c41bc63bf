/** Unexpected JSON: of any shape, or a known payload with a few changes. Failures shrink to few changes. */
import fc from 'fast-check';

/** Values whose names, lengths or spellings often reveal faults in code. */
const oddities: readonly unknown[] = [
  null,
  true,
  -1,
  0.1,
  9e99,
  2 ** 53,
  '',
  ' ',
  '\0',
  '\ud800',
  'constructor',
  '__proto__',
  'toString',
  'x'.repeat(300),
  'https://',
  '0001-01-01',
  '99999999999999999999',
  [],
  [[]],
  [null],
  {},
  JSON.parse('{"__proto__":{"type":"image"}}'),
];

export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...oddities),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.double(),
  fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }),
);

interface Change {
  /** The position of the changed value, counted from the outermost one and modulo their number. */
  readonly place: number;
  readonly how: 'drop' | 'double' | 'wrap' | { readonly put: unknown };
}

const change: fc.Arbitrary<Change> = fc.record({
  place: fc.nat(500),
  how: fc.oneof(
    fc.constantFrom('drop' as const, 'double' as const, 'wrap' as const),
    fc.record({ put: anyJson }),
  ),
});

/** One of the payloads, with at most four changes. */
export function damaged(payloads: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .tuple(fc.constantFrom(...payloads), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([payload, changes]) => changes.reduce(changed, payload));
}

function changed(value: unknown, { place, how }: Change): unknown {
  let left = place % countPlaces(value);
  const walk = (part: unknown): unknown => {
    if (left < 0) return part;
    left -= 1;
    if (left < 0)
      return typeof how === 'object' ? how.put : how === 'double' ? [part, part] : [{ value: part }];
    if (typeof part !== 'object' || part === null) return part;
    const entries = Object.entries(part).flatMap(([key, child]): [string, unknown][] => {
      const isDropped = left === 0 && how === 'drop';
      const made = walk(child);
      return isDropped ? [] : [[key, made]];
    });
    return Array.isArray(part) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
  };
  return walk(value);
}

function countPlaces(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, child) => sum + countPlaces(child), 1);
}
