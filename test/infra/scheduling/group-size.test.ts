import { expect, test } from '@jest/globals';

import { groupSize } from '../../../src/infra/scheduling/group-size.js';

const limits = { items: 3, bytes: 100 };
const sizeOf = (bytes: number) => ({ items: 1, bytes });

test.each([
  { items: [], count: 0 },
  { items: [10], count: 1 },
  { items: [50, 50], count: 2 },
  { items: [50, 51], count: 1 },
  { items: [500, 1], count: 1 },
  { items: [1, 1, 1, 1], count: 3 },
])('of $items, the first $count form a group', ({ items, count }) => {
  expect(groupSize<number, keyof typeof limits>(items, sizeOf, limits)).toBe(count);
});
