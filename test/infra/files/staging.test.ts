import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { AppError } from '../../../src/domain/errors.js';
import { createStaging } from '../../../src/infra/files/staging.js';

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'inlet-staging-'));
  folder = join(root, 'tmp');
});
afterEach(() => rm(folder, { recursive: true, force: true }));
afterAll(() => rm(root, { recursive: true }));

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) {
    yield await Promise.resolve(bytes.subarray(start, start + size));
  }
}

async function* breaking(bytes: Buffer, after: number): AsyncGenerator<Buffer> {
  for await (const piece of pieces(bytes.subarray(0, after), 65_536)) yield piece;
  throw new Error('the sender is gone');
}

describe('a stream', () => {
  test.each([
    { bytes: 0, size: 1 },
    { bytes: 1, size: 1 },
    { bytes: 1_000, size: 1 },
    { bytes: 65_536, size: 65_536 },
    { bytes: 524_288, size: 65_536 },
    { bytes: 524_289, size: 524_288 },
    { bytes: 700_001, size: 9_973 },
    { bytes: 24_000_003, size: 65_521 },
  ])('of $bytes bytes in pieces of $size arrives whole, counted and hashed', async ({ bytes, size }) => {
    const content = randomBytes(bytes);
    const file = await createStaging(folder).receive(pieces(content, size));
    expect(file.bytes).toBe(bytes);
    expect(file.sha256).toBe(createHash('sha256').update(content).digest('hex'));
    expect(file.head.equals(content.subarray(0, 65_536))).toBe(true);
    expect((await readFile(file.path)).equals(content)).toBe(true);
  });

  test('with empty pieces arrives like any other', async () => {
    const parts = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(0), Buffer.from('b'), Buffer.alloc(0)];
    const file = await createStaging(folder).receive(
      (async function* () {
        for (const part of parts) yield await Promise.resolve(part);
      })(),
    );
    expect(await readFile(file.path, 'utf8')).toBe('ab');
    expect(file.bytes).toBe(2);
  });

  test.each([0, 1, 600_000, 5_000_000])(
    'that breaks after %i bytes leaves no file, and its own error',
    async (after) => {
      const content = randomBytes(6_000_000);
      await expect(createStaging(folder).receive(breaking(content, after))).rejects.toThrow(
        'the sender is gone',
      );
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test('is kept apart from others that arrive at the same time', async () => {
    const staging = createStaging(folder);
    const contents = Array.from({ length: 20 }, (_, index) => randomBytes(100_000 + index));
    const files = await Promise.all(contents.map((content) => staging.receive(pieces(content, 7_000))));
    const kept = await Promise.all(files.map(({ path }) => readFile(path)));
    expect(kept.map((bytes, index) => bytes.equals(contents[index] ?? bytes.subarray(1)))).toEqual(
      contents.map(() => true),
    );
    expect(await readdir(folder)).toHaveLength(20);
  });

  test('cannot be read by strangers', async () => {
    const { path } = await createStaging(folder).receive(pieces(Buffer.from('private'), 7));
    expect((await stat(path)).mode & 0o007).toBe(0);
  });
});

test('a discarded file is gone; discarding it again, or after it was moved away, is harmless', async () => {
  const file = await createStaging(folder).receive(pieces(Buffer.from('x'), 1));
  await file.discard();
  expect(await readdir(folder)).toEqual([]);
  await file.discard();
});

test('a folder that cannot be written is a storage failure', async () => {
  const blocked = join(root, 'a-file');
  await writeFile(blocked, '');
  const failure = await createStaging(join(blocked, 'tmp'))
    .receive(pieces(Buffer.from('x'), 1))
    .catch((error: unknown) => error as AppError);
  expect(failure).toMatchObject({ code: 'media.storage_failed', retryable: true });
});

describe('sweeping', () => {
  test('deletes only files that have not changed for long', async () => {
    const staging = createStaging(folder);
    const [fresh, old, older] = await Promise.all(
      ['fresh', 'old', 'older'].map((text) => staging.receive(pieces(Buffer.from(text), 10))),
    );
    const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000);
    await utimes(old?.path ?? '', ago(70), ago(70));
    await utimes(older?.path ?? '', ago(1_000), ago(1_000));
    expect(await staging.sweep(60_000)).toBe(2);
    expect(await readdir(folder)).toEqual([fresh?.path.split('/').at(-1)]);
    expect(await staging.sweep(60_000)).toBe(0);
  });

  test('finds nothing if there is no folder yet', async () => {
    expect(await createStaging(join(root, 'none')).sweep(0)).toBe(0);
  });
});
