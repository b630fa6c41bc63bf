/** Files that were read lately are sent from memory, as long as the store still has them. */
import { Readable } from 'node:stream';

import { expect, test } from '@jest/globals';

import { keepRecentBytes } from '../../../src/infra/files/recent-bytes.js';

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
  const read = async (key: string, size: number): Promise<Buffer | undefined> => {
    const loan = recent.borrow(key, size);
    try {
      return await loan?.bytes;
    } finally {
      loan?.giveBack();
    }
  };
  return { reads, recent, read };
}

test('a file is read once, and its size is asked of the store each time', async () => {
  const files = new Map([['a', Buffer.from('bytes')]]);
  const { reads, recent, read } = createStore(files);
  expect(await recent.size('a')).toBe(5);
  expect(String(await read('a', 5))).toBe('bytes');
  expect(String(await read('a', 5))).toBe('bytes');
  expect(reads).toEqual(['a']);
  files.delete('a');
  expect(await recent.size('a')).toBeUndefined();
});

test('a file whose size has changed is read again, and one that is shorter than its size is refused', async () => {
  const files = new Map([['a', Buffer.from('bytes')]]);
  const { reads, read } = createStore(files);
  await read('a', 5);
  files.set('a', Buffer.from('byte'));
  expect(String(await read('a', 4))).toBe('byte');
  expect(reads).toEqual(['a', 'a']);
  await expect(read('a', 5)).rejects.toThrow('shorter');
});

test('16 MB of small files are kept, and the file that was used least recently makes room', async () => {
  const file = Buffer.alloc(64 * 1024);
  const keys = Array.from({ length: 256 }, (_, index) => String(index));
  const { reads, read } = createStore(new Map([...keys, 'one more'].map((key) => [key, file])));
  for (const key of keys) await read(key, file.length);
  await read('0', file.length);
  await read('one more', file.length);
  reads.length = 0;
  for (const key of ['0', '2', 'one more', '1']) await read(key, file.length);
  expect(reads).toEqual(['1']);
});

test('photos do not displace small files, and files of more than 1 MB are not kept', async () => {
  const megabyte = 1024 * 1024;
  const photo = Buffer.alloc(megabyte);
  const photos = Array.from({ length: 20 }, (_, index) => `photo ${String(index)}`);
  const files = new Map([['small', Buffer.alloc(9)], ...photos.map((key) => [key, photo] as const)]);
  const { reads, recent, read } = createStore(files);
  await read('small', 9);
  for (const key of photos) await read(key, megabyte);
  reads.length = 0;
  await read('small', 9);
  expect(reads).toEqual([]);
  expect(recent.borrow('large', megabyte + 1)).toBeUndefined();
});

test('at most 32 MB are lent, and what is given back can be lent again', async () => {
  const megabyte = 1024 * 1024;
  const { recent } = createStore(new Map([['photo', Buffer.alloc(megabyte)]]));
  const loans = Array.from({ length: 32 }, () => recent.borrow('photo', megabyte));
  expect(loans.every((loan) => loan !== undefined)).toBe(true);
  expect(recent.borrow('photo', megabyte)).toBeUndefined();
  loans[0]?.giveBack();
  loans[0]?.giveBack();
  expect(recent.borrow('photo', megabyte)).toBeDefined();
  expect(recent.borrow('photo', megabyte)).toBeUndefined();
  for (const loan of loans) await loan?.bytes;
});
