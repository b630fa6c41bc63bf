/**
 * Many callers that ask for single rows share statements, and none of them sees an older state than when it
 * asked.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, test } from '@jest/globals';

import { shareReads } from '../../../src/infra/tables/shared-reads.js';

/** A table whose statements end when the test says so. */
function createTable() {
  const statements: { keys: readonly string[]; end: (error?: Error) => void }[] = [];
  const read = shareReads<string>(
    (keys) =>
      new Promise((resolve, reject) => {
        const rows = new Map(keys.filter((key) => key !== 'missing').map((key) => [key, `row of ${key}`]));
        statements.push({
          keys,
          end: (error) => {
            if (error) reject(error);
            else resolve(rows);
          },
        });
      }),
  );
  return { statements, read };
}

test('calls of a turn share a statement, and calls during a statement share the next one', async () => {
  const { statements, read } = createTable();
  const first = [read('a'), read('a'), read('b')];
  await nextTurn();
  const later = [read('a'), read('missing')];
  await nextTurn();
  expect(statements.map(({ keys }) => keys)).toEqual([['a', 'b']]);

  statements[0]?.end();
  expect(await Promise.all(first)).toEqual(['row of a', 'row of a', 'row of b']);
  expect(statements.map(({ keys }) => keys)).toEqual([
    ['a', 'b'],
    ['a', 'missing'],
  ]);
  statements[1]?.end();
  expect(await Promise.all(later)).toEqual(['row of a', undefined]);
});

test('a statement that fails rejects the calls that share it, and the next one is read again', async () => {
  const { statements, read } = createTable();
  const first = read('a');
  await nextTurn();
  const second = read('b');
  statements[0]?.end(new Error('away'));
  await expect(first).rejects.toThrow('away');
  statements[1]?.end();
  expect(await second).toBe('row of b');
  const third = read('c');
  await nextTurn();
  statements[2]?.end();
  expect(await third).toBe('row of c');
});

test('one statement asks for at most 200 keys', async () => {
  const { statements, read } = createTable();
  const calls = Array.from({ length: 450 }, (_, index) => read(String(index)));
  for (let index = 0; index < 3; index += 1) {
    await nextTurn();
    statements[index]?.end();
  }
  expect(new Set(await Promise.all(calls)).size).toBe(450);
  expect(statements.map(({ keys }) => keys.length)).toEqual([200, 200, 50]);
});
