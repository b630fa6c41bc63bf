import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { ByteRange } from '../../../src/domain/media.js';
import {
  blobKey,
  keysOf,
  possibleKeysOf,
  previewKey,
  type BlobStore,
} from '../../../src/infra/files/blob-store.js';
import { createLocalBlobStore } from '../../../src/infra/files/local-blob-store.js';
import { bytesIn, rangesWithin, readRanges } from '../../../src/infra/files/ranges.js';
import { createS3BlobStore } from '../../../src/infra/files/s3-blob-store.js';
import { joined } from '../../support/previews.js';
import { startS3Server, type S3Server } from '../../support/s3-server.js';
import { until } from '../../support/until.js';

let folder: string;
let bucket: S3Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-ranges-'));
  bucket = await startS3Server();
});
afterAll(async () => {
  await bucket.stop();
  await rm(folder, { recursive: true });
});

const content = randomBytes(300_000);
const ranges: readonly ByteRange[] = [
  { start: 0, end: 1 },
  { start: 20, end: 37 },
  { start: 66_000, end: 299_000 },
];

describe.each<[string, () => BlobStore]>([
  ['a folder', () => createLocalBlobStore(folder)],
  ['a bucket', () => createS3BlobStore(bucket.settings)],
])('ranges of a file in %s', (_, open) => {
  let store: BlobStore;
  const digest = createHash('sha256').update(content).digest('hex');
  const key = blobKey(digest);
  beforeAll(async () => {
    store = open();
    await store.put(key, { data: content });
  });
  afterAll(() => {
    store.close();
  });

  test('are read as one stream, by one request', async () => {
    const requests: ByteRange[] = [];
    const counting: Pick<BlobStore, 'read'> = {
      read: (name, range) => {
        requests.push(range);
        return store.read(name, range);
      },
    };
    const read = await buffer(readRanges(counting, key, ranges));
    expect(read.equals(joined(content, ranges))).toBe(true);
    expect(requests).toEqual([{ start: 0, end: 299_000 }]);
  });

  test('that are missing fail with the error of the store', async () => {
    const missing = blobKey('0'.repeat(64));
    const failure = await buffer(readRanges(store, missing, ranges)).catch((error: unknown) => error);
    const alone = await buffer(store.read(missing, { start: 0, end: 9 })).catch((error: unknown) => error);
    expect((failure as { code?: string }).code).toBe((alone as { code?: string }).code);
    expect(Buffer.isBuffer(failure)).toBe(false);
  });
});

test('a reader that leaves closes the file', async () => {
  const endless = new Readable({ read: () => undefined });
  const stream = readRanges({ read: () => endless }, 'key', ranges);
  stream.read();
  stream.destroy();
  await until(() => Promise.resolve(endless.destroyed));
});

test('any range of the joined bytes is found in the file', () => {
  const anyRanges = fc
    .uniqueArray(fc.nat(200), { minLength: 2, maxLength: 12 })
    .map((places) => places.toSorted((one, other) => one - other))
    .map((places) =>
      Array.from({ length: Math.floor(places.length / 2) }, (_, index) => ({
        start: places[index * 2] ?? 0,
        end: (places[index * 2 + 1] ?? 1) - 1,
      })),
    );
  const file = randomBytes(201);
  fc.assert(
    fc.property(anyRanges, fc.nat(200), fc.nat(200), (all, one, other) => {
      const whole = joined(file, all);
      expect(bytesIn(all)).toBe(whole.length);
      const start = Math.min(one, other) % whole.length;
      const end = Math.min(start + Math.max(one, other), whole.length - 1);
      const part = joined(file, rangesWithin(all, { start, end }));
      expect(part.equals(whole.subarray(start, end + 1))).toBe(true);
    }),
  );
});

test('a preview that consists of ranges has no file of its own, but one may be left of another version', () => {
  const sha256 = 'a'.repeat(64);
  const size = { type: 'image/jpeg', width: 1, height: 1 };
  const previews = [
    { ...size, size: 'small' as const },
    { ...size, size: 'large' as const, ranges },
  ];
  expect(keysOf({ sha256, previews })).toEqual([blobKey(sha256), previewKey(sha256, 'small')]);
  expect(possibleKeysOf(sha256)).toEqual([
    blobKey(sha256),
    previewKey(sha256, 'small'),
    previewKey(sha256, 'large'),
  ]);
});
