/** Small files that were read lately are sent from memory, as long as the store still has them. */
import { Readable } from 'node:stream';

import { expect, test } from '@jest/globals';

import { keepRecentBytes, mostRecentFileBytes } from '../../../src/infra/files/recent-bytes.js';

/** A store that counts what is read, whose files are as long as the test says. */
function createStore(files: Map<string, Buffer>) {
  const reads: string[] = [];
  const recent = keepRecentBytes({
    read: (key, { start, end }) => {
      reads.push(key);
      return Readable.from([files.get(key)?.subarray(start, end + 1) ?? Buffer.of()]);
    },
    size: (key) => Promise.resolve(files.get(key)?.length),
  });
  return { reads, recent };
}

test('a file is read once, and its size is asked of the store each time', async () => {
  const files = new Map([['a', Buffer.from('bytes')]]);
  const { reads, recent } = createStore(files);
  expect(await recent.size('a')).toBe(5);
  expect(String(await recent.read('a', 5))).toBe('bytes');
  expect(String(await recent.read('a', 5))).toBe('bytes');
  expect(reads).toEqual(['a']);
  files.delete('a');
  expect(await recent.size('a')).toBeUndefined();
});

test('a file whose size has changed is read again, and one that is shorter than its size is refused', async () => {
  const files = new Map([['a', Buffer.from('bytes')]]);
  const { reads, recent } = createStore(files);
  await recent.read('a', 5);
  files.set('a', Buffer.from('byte'));
  expect(String(await recent.read('a', 4))).toBe('byte');
  expect(reads).toEqual(['a', 'a']);
  await expect(recent.read('a', 5)).rejects.toThrow('shorter');
});

test('32 MB are kept, and the file that was used least recently makes room', async () => {
  const file = Buffer.alloc(mostRecentFileBytes);
  const keys = Array.from({ length: 512 }, (_, index) => String(index));
  const { reads, recent } = createStore(new Map([...keys, 'one more'].map((key) => [key, file])));
  for (const key of keys) await recent.read(key, file.length);
  await recent.read('0', file.length);
  await recent.read('one more', file.length);
  reads.length = 0;
  for (const key of ['0', '2', 'one more', '1']) await recent.read(key, file.length);
  expect(reads).toEqual(['1']);
});
