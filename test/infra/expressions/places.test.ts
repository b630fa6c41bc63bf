import { expect, test } from '@jest/globals';

import { placesOf } from '../../../src/infra/expressions/places.js';

const placesIn = (data: unknown, ...texts: string[]): Record<string, string> =>
  Object.fromEntries(placesOf(new Set(texts), data));

test('texts have the pointers at which the data have them', () => {
  const data = { files: [{ 'a/b': { 'c~d': 'first' } }, 'second'], '': 'third', number: 7 };
  expect(placesIn(data, 'first', 'second', 'third', 'nowhere')).toEqual({
    first: '/files/0/a~1b/c~0d',
    second: '/files/1',
    third: '/',
  });
});

test('the first of equal texts counts, and data that are a text are the whole of it', () => {
  expect(placesIn({ one: ['same'], two: 'same' }, 'same')).toEqual({ same: '/one/0' });
  expect(placesIn('same', 'same')).toEqual({ same: '' });
  for (const nothing of [undefined, null, 7, [], {}]) expect(placesIn(nothing, 'same')).toEqual({});
});
