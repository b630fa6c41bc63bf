/** Statements that many callers share: nobody misses anything, and there are few of them. */
import { describe, expect, it } from '@jest/globals';

import { sharePages } from '../../../src/infra/postgres/shared-reads.js';

interface Item {
  readonly seq: number;
}

const pageSize = 200;

/** A list that grows, read as the database does: a page says what was there when it was asked for. */
function growingList() {
  const items: Item[] = [];
  let reads = 0;
  return {
    add: (count: number) => {
      for (let added = 0; added < count; added += 1) items.push({ seq: (items.at(-1)?.seq ?? 0) + 1 });
    },
    reads: () => reads,
    read: async (after: number) => {
      reads += 1;
      const found = items.filter(({ seq }) => seq > after).slice(0, pageSize);
      await new Promise(setImmediate);
      return { items: found, last: found.at(-1)?.seq ?? after, isFull: found.length === pageSize };
    },
  };
}

/** Reads from a place until there is nothing more. */
async function readAll(
  after: ReturnType<typeof sharePages<Item>>,
  position: number,
): Promise<{ readonly seqs: number[]; readonly last: number }> {
  const seqs: number[] = [];
  let last = position;
  for (let isFull = true; isFull;) {
    const page = await after(last);
    seqs.push(...page.items.map(({ seq }) => seq));
    ({ last, isFull } = page);
  }
  return { seqs, last };
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index + 1);

describe('pages that are shared', () => {
  it('cost one statement for a thousand readers at one place', async () => {
    const list = growingList();
    list.add(5);
    const after = sharePages(list.read);
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => readAll(after, 2)));
    for (const { seqs } of answers) expect(seqs).toEqual([3, 4, 5]);
    // The first reader was alone when it asked.
    expect(list.reads()).toBeLessThanOrEqual(2);
  });

  it('tell everybody everything once and in order, wherever they begin', async () => {
    const list = growingList();
    list.add(1_000);
    const after = sharePages(list.read);
    const places = [0, 1, 199, 200, 201, 500, 800, 950, 951, 999, 1_000, 1_200];
    const answers = await Promise.all(
      places.map(async (place) => ({ place, ...(await readAll(after, place)) })),
    );
    for (const { place, seqs, last } of answers) {
      expect(seqs).toEqual(numbers(place, Math.max(place, 1_000)));
      expect(last).toBe(Math.max(place, 1_000));
    }
  });

  it('serve readers that are somewhat apart together, and let nobody wait for those who are far behind', async () => {
    const list = growingList();
    list.add(100_000);
    const after = sharePages(list.read);
    const behind = readAll(after, 0);
    const near = await Promise.all(numbers(99_900, 100_000).map((place) => readAll(after, place - 1)));
    expect(near.map(({ seqs }) => seqs.length)).toEqual(numbers(0, 100).reverse());
    expect(list.reads()).toBeLessThan(10);
    expect((await behind).seqs).toHaveLength(100_000);
  });

  it('are not given to somebody who came after they were asked for', async () => {
    const list = growingList();
    const after = sharePages(list.read);
    const early = after(0);
    list.add(1);
    const late = after(0);
    expect((await early).items).toEqual([]);
    expect((await late).items).toEqual([{ seq: 1 }]);
  });

  it('fail for those who wait for them, and for nobody else', async () => {
    let isAway = true;
    const after = sharePages<Item>(async () => {
      await new Promise(setImmediate);
      if (isAway) throw new Error('away');
      return { items: [], last: 0, isFull: false };
    });
    await expect(Promise.all([after(0), after(0)])).rejects.toThrow('away');
    isAway = false;
    expect((await after(0)).items).toEqual([]);
  });
});
