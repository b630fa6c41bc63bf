import { expect, test } from '@jest/globals';

import { createAllowance } from '../../../src/infra/expressions/allowance.js';
import { createFairQueue } from '../../../src/infra/expressions/fair-queue.js';

interface Item {
  readonly owner: string;
  readonly name: string;
}

const item = (name: string): Item => ({ owner: name.charAt(0), name });

function drain(queue: { readonly next: () => Item | undefined }): string[] {
  const names: string[] = [];
  for (let next = queue.next(); next; next = queue.next()) names.push(next.name);
  return names;
}

test('owners take turns, each with its own order', () => {
  const queue = createFairQueue<Item>();
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.add(item(name));
  expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
});

test('what is put back comes before the rest of its owner', () => {
  const queue = createFairQueue<Item>();
  for (const name of ['a3', 'b2']) queue.add(item(name));
  queue.putBack(['a1', 'b1', 'a2'].map(item));
  expect(drain(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
});

test('all items of one owner can be removed', () => {
  const queue = createFairQueue<Item>();
  for (const name of ['a1', 'b1', 'a2']) queue.add(item(name));
  expect(queue.removeAll('a').map(({ name }) => name)).toEqual(['a1', 'a2']);
  expect(queue.removeAll('c')).toEqual([]);
  expect(drain(queue)).toEqual(['b1']);
});

test('an allowance is spent after ten times and returns one by one', () => {
  let now = 0;
  const allowance = createAllowance(() => now);
  for (let count = 0; count < 9; count += 1) allowance.spend('a');
  expect(allowance.isSpent('a')).toBe(false);
  allowance.spend('a');
  expect([allowance.isSpent('a'), allowance.isSpent('b')]).toEqual([true, false]);
  now = 6_000;
  expect(allowance.isSpent('a')).toBe(false);
  allowance.spend('a');
  expect(allowance.isSpent('a')).toBe(true);
  now = 100_000;
  allowance.spend('a');
  expect(allowance.isSpent('a')).toBe(false);
});
