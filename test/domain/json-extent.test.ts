import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { jsonExtentOf, type JsonExtent } from '../../src/domain/json-extent.js';
import { threadCpuMs } from '../support/cpu-time.js';

const unbounded: JsonExtent = { depth: Infinity, containers: Infinity, separators: Infinity };
const of = (text: string, most = unbounded) => jsonExtentOf(Buffer.from(text), most);

/** The extent according to a parser. */
function extentOfValue(value: unknown): JsonExtent {
  if (typeof value !== 'object' || value === null) return { depth: 0, containers: 0, separators: 0 };
  const inner = Object.values(value).map(extentOfValue);
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    containers: inner.reduce((sum, { containers }) => sum + containers, 1),
    separators: inner.reduce((sum, { separators }) => sum + separators, Math.max(0, inner.length - 1)),
  };
}

describe('the extent of a JSON text', () => {
  it('ignores the contents of its strings', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 6 }), fc.nat(4), (value, indent) => {
        const held = [value, { '[{"\\': ['\\', '"]', '\\"', '}{', value] }];
        expect(of(JSON.stringify(held, null, indent))).toEqual(extentOfValue(held));
      }),
    );
  });

  it.each([
    ['', 0, 0],
    ['"[[[', 0, 0],
    [String.raw`"\"[", [`, 1, 1],
    [String.raw`"\\"[`, 1, 1],
    [']]][', 0, 1],
    ['[[]][]', 2, 3],
  ])('is found in %j', (text, depth, containers) => {
    expect(of(text)).toMatchObject({ depth, containers });
  });

  it.each([
    ['depth', '[[[[[[', { depth: 3, containers: 3, separators: 0 }],
    ['containers', '{}{}{}{}', { depth: 1, containers: 3, separators: 0 }],
    ['separators', '1,1,1,1,1', { depth: 0, containers: 0, separators: 3 }],
  ])('is counted until the limit of its %s is exceeded', (name, text, counted) => {
    expect(of(text, { ...unbounded, [name]: 2 })).toEqual(counted);
  });

  it('takes little time to determine, even for a hostile text', async () => {
    const texts = [
      '['.repeat(3_000_000),
      `"${'\\'.repeat(3_000_000)}`,
      '"'.repeat(3_000_000),
      '\\"'.repeat(1_500_000),
    ];
    const { ms } = await threadCpuMs(() => {
      texts.forEach((text) => of(text));
    });
    expect(ms).toBeLessThan(1_500);
  });
});
