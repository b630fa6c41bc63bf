import { expect, test } from '@jest/globals';

import { columnsOf, pageOf, type FilteredList } from '../../../src/infra/postgres/pages.js';

interface Filter {
  readonly channels?: readonly string[] | undefined;
  readonly state?: string | undefined;
}
const list: FilteredList<Filter> = {
  select: 'select id from media',
  key: 'id',
  conditions: { channels: 'channel = any(?)', state: '(state = ? or last_state = ?)' },
};

test('a page without a filter has no condition', () => {
  const { text, values } = pageOf(list, {}, { limit: 50 });
  expect(text.replace(/\s+/g, ' ')).toBe('select id from media order by id desc limit 50');
  expect(values).toEqual([]);
});

test('what is given becomes a condition with its value as a parameter, and the page begins behind a key', () => {
  const filter = { channels: ['a'], state: `' or true` };
  const { text, values } = pageOf(list, filter, { limit: 2, after: 'key' });
  expect(text).toBe(
    'select id from media where channel = any($1) and (state = $2 or last_state = $2) and id < $3 order by id desc limit 2',
  );
  expect(values).toEqual([['a'], `' or true`, 'key']);
});

test('what is undefined, or no filter of the list, is no condition', () => {
  const filter = { channels: undefined, state: 'ready', other: 'ignored' };
  expect(pageOf(list, filter, { limit: 1, after: undefined }).values).toEqual(['ready']);
});

test('columns are named after the members of a row', () => {
  expect(columnsOf<{ id: string; createdAt: Date }>({ id: 'id', createdAt: 'created_at' })).toBe(
    'id as "id", created_at as "createdAt"',
  );
});
