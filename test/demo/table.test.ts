import { expect, test } from '@jest/globals';

import { table, type Column } from '../../src/demo/table.js';

interface Row {
  readonly name: string;
  readonly count: number | null;
}
const columns: Column<Row>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'count', value: ({ count }) => count, align: 'right' },
];

test('columns are as wide as their widest cell, and numbers are aligned to the right', () => {
  const rows = [
    { name: 'a long name', count: 7 },
    { name: 'b', count: 1234567 },
    { name: 'c', count: null },
  ];
  expect(table(columns, rows).split('\n')).toEqual([
    'name           count',
    '-----------  -------',
    'a long name        7',
    'b            1234567',
    'c                  -',
  ]);
});

test('a table without rows consists of its titles', () => {
  expect(table(columns, [])).toBe('name  count\n----  -----');
});
