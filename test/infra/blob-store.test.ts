import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { AppError } from '../../src/domain/errors.js';
import { blobKey, createLocalBlobStore, previewKey } from '../../src/infra/blob-store.js';
import { built, startScript } from '../process/program.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-blobs-'));
});
afterEach(() => rm(folder, { recursive: true }));

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function filesUnder(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a key', () => {
  const digest = sha256(Buffer.from('x'));

  test('is spread over folders', () => {
    expect(blobKey(digest)).toBe(`blobs/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest}`);
    expect(previewKey(digest, 'small')).toMatch(/^previews\/..\/[0-9a-f]{64}-small$/);
  });

  test.each([
    ['nothing', ''],
    ['a path', `../../../../etc/passwd`],
    ['a path of just the length', `../${'a'.repeat(61)}`],
    ['too few digits', digest.slice(1)],
    ['too many digits', `${digest}0`],
    ['capitals', digest.toUpperCase()],
    ['another letter', `g${digest.slice(1)}`],
    ['a line break behind', `${digest}\n`],
    ['NUL behind', `${digest}\u0000`],
    ['something before', ` ${digest}`],
  ])('is not made from %s', (_, text) => {
    expect(() => blobKey(text)).toThrow('not a SHA-256');
    expect(() => previewKey(text, 'large')).toThrow('not a SHA-256');
  });
});

describe('stored bytes', () => {
  test.each([0, 1, 3_000_000])('of length %i can be read back, whole and in part', async (length) => {
    const store = createLocalBlobStore(folder);
    const bytes = randomBytes(length);
    const key = blobKey(sha256(bytes));
    await store.put(key, { data: bytes });
    expect(await store.has(key)).toBe(true);
    expect(await store.size(key)).toBe(length);
    const whole = await buffer(store.read(key, { start: 0, end: Math.max(0, length - 1) }));
    expect(whole.equals(bytes)).toBe(true);
    const part = await buffer(store.read(key, { start: 0, end: 0 }));
    expect(part.equals(bytes.subarray(0, 1))).toBe(true);
  });

  test('of a file are moved there', async () => {
    const file = join(folder, 'staged');
    await writeFile(file, 'content');
    const key = blobKey(sha256(Buffer.from('content')));
    await createLocalBlobStore(folder).put(key, { file });
    expect((await filesUnder(folder)).map((path) => relative(folder, path))).toEqual([key]);
  });

  test('that are there already stay the same when they are stored again', async () => {
    const store = createLocalBlobStore(folder);
    const bytes = randomBytes(100_000);
    const key = blobKey(sha256(bytes));
    await store.put(key, { data: bytes });
    const reading = store.read(key, { start: 0, end: bytes.length - 1 });
    await Promise.all(Array.from({ length: 10 }, () => store.put(key, { data: bytes })));
    expect((await buffer(reading)).equals(bytes)).toBe(true);
    expect((await readFile(join(folder, key))).equals(bytes)).toBe(true);
    expect(await filesUnder(join(folder, 'tmp'))).toEqual([]);
  });

  test('that nobody stored are not there', async () => {
    const store = createLocalBlobStore(folder);
    expect(await store.has(blobKey('0'.repeat(64)))).toBe(false);
    expect(await store.size(blobKey('0'.repeat(64)))).toBeUndefined();
  });

  test('cannot be stored where a file is in the way, which is a failure of our own', async () => {
    await writeFile(join(folder, 'blobs'), '');
    const failure = await createLocalBlobStore(folder)
      .put(blobKey('0'.repeat(64)), { data: Buffer.from('x') })
      .catch((error: unknown) => error as AppError);
    expect(failure).toMatchObject({ code: 'media.storage_failed', retryable: true });
  });

  test('survive many puts at once into the same few folders', async () => {
    const store = createLocalBlobStore(folder);
    const contents = Array.from({ length: 200 }, (_, index) => Buffer.from(`content ${String(index % 50)}`));
    await Promise.all(contents.map((data) => store.put(blobKey(sha256(data)), { data })));
    const files = await filesUnder(folder);
    expect(files).toHaveLength(50);
    const digests = await Promise.all(files.map(async (file) => sha256(await readFile(file))));
    expect(digests.toSorted()).toEqual(files.map((file) => basename(file)).toSorted());
  });
});

/** What stands for a preview of some bytes: anyone who knows their digest can tell whether it is complete. */
const previewOf = (digest: string): Buffer => Buffer.from(digest.repeat(2_000));

/** Stores as the service does: staged to a file, previews first, bytes last. Says what is stored. */
const storing = `
  import { createHash, randomBytes, randomInt } from 'node:crypto';
  import { blobKey, createLocalBlobStore, previewKey } from '${built('infra/blob-store.js')}';
  import { createStaging } from '${built('infra/staging.js')}';
  const folder = process.argv[1];
  const store = createLocalBlobStore(folder);
  const staging = createStaging(folder + '/tmp');
  async function* pieces(bytes) {
    for (let start = 0; start < bytes.length; start += 65536) yield bytes.subarray(start, start + 65536);
  }
  async function storeOn() {
    for (;;) {
      const file = await staging.receive(pieces(randomBytes(randomInt(1, 2_000_000))));
      const preview = Buffer.from(file.sha256.repeat(2000));
      for (const size of ['small', 'large']) await store.put(previewKey(file.sha256, size), { data: preview });
      await store.put(blobKey(file.sha256), { file: file.path });
      process.stdout.write('stored ' + file.sha256 + '\\n');
    }
  }
  for (let count = 0; count < 4; count++) void storeOn();
`;

test('whoever is killed while storing leaves whole files only, and nothing of what was stored is lost', async () => {
  const kills = 25;
  const acknowledged: string[] = [];
  let leftovers = 0;
  for (let count = 0; count < kills; count++) {
    const program = startScript(storing, [folder]);
    await program.says(/stored/);
    await delay(randomInt(0, 60)); // The moment of death is what varies here, not something to wait for.
    expect(await program.kill('SIGKILL')).toBe('SIGKILL');
    acknowledged.push(
      ...Array.from(program.output().matchAll(/stored (\w{64})\n/g), ([, digest = '']) => digest),
    );
    leftovers = (await filesUnder(join(folder, 'tmp'))).length;
  }

  expect(acknowledged.length).toBeGreaterThanOrEqual(kills);
  expect(leftovers).toBeGreaterThan(0); // Otherwise nobody was killed in the middle of anything.
  const blobs = await filesUnder(join(folder, 'blobs'));
  const names = new Set(blobs.map((file) => basename(file)));
  expect(acknowledged.filter((digest) => !names.has(digest))).toEqual([]);
  for (const file of blobs) {
    expect(sha256(await readFile(file))).toBe(basename(file));
    for (const size of ['small', 'large'] as const)
      expect(await readFile(join(folder, previewKey(basename(file), size)), 'latin1')).toBe(
        previewOf(basename(file)).toString('latin1'),
      );
  }
  for (const file of await filesUnder(join(folder, 'previews'))) {
    const digest = basename(file).slice(0, 64);
    expect((await readFile(file)).equals(previewOf(digest))).toBe(true);
  }
  expect((await readdir(folder)).toSorted()).toEqual(['blobs', 'previews', 'tmp']);

  const next = randomBytes(1_000);
  await createLocalBlobStore(folder).put(blobKey(sha256(next)), { data: next });
  expect((await readFile(join(folder, blobKey(sha256(next))))).equals(next)).toBe(true);
}, 60_000);
