import { createHash, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as connect } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { AppError } from '../../../src/domain/errors.js';
import { blobKey, previewKey, type BlobStore } from '../../../src/infra/files/blob-store.js';
import { createLocalBlobStore } from '../../../src/infra/files/local-blob-store.js';
import { createS3BlobStore } from '../../../src/infra/files/s3-blob-store.js';
import { startBucket, type Bucket, type StoreMood } from '../../../src/prove/store/bucket.js';
import { built, startScript } from '../../support/program.js';
import { startS3Server, type S3Server } from '../../support/s3-server.js';
import { until } from '../../support/until.js';

let folder: string;
let bucket: S3Server;
beforeAll(async () => {
  bucket = await startS3Server();
});
afterAll(() => bucket.stop());
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

const stores: readonly (readonly [string, () => BlobStore])[] = [
  ['a folder', () => createLocalBlobStore(folder)],
  ['a bucket', () => createS3BlobStore(bucket.settings)],
];

describe.each(stores)('bytes in %s', (_, open) => {
  let store: BlobStore;
  beforeEach(() => {
    store = open();
  });
  afterEach(() => {
    store.close();
  });
  const stored = async (bytes: Buffer): Promise<string> => {
    const key = blobKey(sha256(bytes));
    await store.put(key, { data: bytes });
    return key;
  };

  test.each([1, 3_000_000])('of length %i can be read back, whole and in part', async (length) => {
    const bytes = randomBytes(length);
    const key = await stored(bytes);
    expect(await store.size(key)).toBeGreaterThan(0);
    expect(await store.size(key)).toBe(length);
    expect((await buffer(store.read(key, { start: 0, end: length - 1 }))).equals(bytes)).toBe(true);
    const part = { start: Math.floor(length / 3), end: Math.floor(length / 2) };
    expect((await buffer(store.read(key, part))).equals(bytes.subarray(part.start, part.end + 1))).toBe(true);
  });

  test('of a file are moved to the store', async () => {
    const bytes = randomBytes(2_000_000);
    const file = join(folder, 'staged');
    await writeFile(file, bytes);
    const key = blobKey(sha256(bytes));
    await store.put(key, { file, sha256: sha256(bytes) });
    expect((await buffer(store.read(key, { start: 0, end: bytes.length - 1 }))).equals(bytes)).toBe(true);
    expect(await readdir(folder)).not.toContain('staged');
  });

  test('that exist already stay the same when they are stored again', async () => {
    const bytes = randomBytes(100_000);
    const key = await stored(bytes);
    const reading = store.read(key, { start: 0, end: bytes.length - 1 });
    await Promise.all(Array.from({ length: 10 }, () => store.put(key, { data: bytes })));
    expect((await buffer(reading)).equals(bytes)).toBe(true);
    expect((await buffer(store.read(key, { start: 0, end: bytes.length - 1 }))).equals(bytes)).toBe(true);
  });

  test('that were never stored do not exist', async () => {
    expect(await store.size(blobKey('0'.repeat(64)))).toBeUndefined();
    expect(await store.size(blobKey('0'.repeat(64)))).toBeUndefined();
  });

  test('are gone after their removal, which can be repeated', async () => {
    const key = await stored(randomBytes(10));
    await store.remove([key]);
    await store.remove([key]);
    expect(await store.size(key)).toBeUndefined();
  });

  test('can be listed by their keys', async () => {
    const digest = sha256(randomBytes(10));
    const keys = [blobKey(digest), previewKey(digest, 'small'), previewKey(digest, 'large')];
    await Promise.all(keys.map((key) => store.put(key, { data: randomBytes(10) })));
    const listed: string[] = [];
    for await (const key of store.keys()) if (key.includes(digest)) listed.push(key);
    expect(listed.toSorted()).toEqual(keys.toSorted());
  });

  test('need not be read to their end', async () => {
    const bytes = randomBytes(3_000_000);
    const key = await stored(bytes);
    for (let count = 0; count < 100; count += 1) {
      const reading = store.read(key, { start: 0, end: bytes.length - 1 });
      if (count % 2) await once(reading, 'data');
      reading.destroy();
      await once(reading, 'close');
    }
    expect(await store.size(key)).toBe(bytes.length);
  });
});

describe('bytes in a folder', () => {
  test('leave no other files behind', async () => {
    const store = createLocalBlobStore(folder);
    const file = join(folder, 'staged');
    await writeFile(file, 'content');
    const digest = sha256(Buffer.from('content'));
    await store.put(blobKey(digest), { file, sha256: digest });
    await Promise.all(
      Array.from({ length: 10 }, () =>
        store.put(previewKey(digest, 'small'), { data: randomBytes(100_000) }),
      ),
    );
    const files = (await filesUnder(folder)).map((path) => relative(folder, path));
    expect(files.toSorted()).toEqual([blobKey(digest), previewKey(digest, 'small')]);
  });

  test('cannot be stored if a file has the name of a folder, which is a storage failure', async () => {
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

describe('an unavailable bucket', () => {
  const away = async (work: () => Promise<unknown>): Promise<unknown> => {
    await bucket.goAway();
    try {
      return await work().then(
        () => 'nothing went wrong',
        (error: unknown) => (error as AppError).code,
      );
    } finally {
      await bucket.comeBack();
    }
  };
  const key = blobKey('0'.repeat(64));
  let store: BlobStore;
  beforeEach(() => {
    store = createS3BlobStore(bucket.settings);
  });

  test.each<[string, string, () => Promise<unknown>]>([
    ['nothing can be stored', 'media.storage_failed', () => store.put(key, { data: randomBytes(10) })],
    ['its contents are unknown', 'service.unavailable', () => store.size(key)],
    ['nothing can be read', 'service.unavailable', () => buffer(store.read(key, { start: 0, end: 9 }))],
    ['nothing can be removed', 'service.unavailable', () => store.remove([key])],
  ])('is reported: %s', async (_, code, work) => {
    expect(await away(work)).toBe(code);
    expect(await store.size(key)).toBeUndefined();
  });

  test('keeps a file that could not be stored', async () => {
    const file = join(folder, 'staged');
    await writeFile(file, 'content');
    const digest = sha256(Buffer.from('content'));
    expect(await away(() => store.put(blobKey(digest), { file, sha256: digest }))).toBe(
      'media.storage_failed',
    );
    await store.put(blobKey(digest), { file, sha256: digest });
    expect(await store.size(blobKey(digest))).toBe(7);
  });

  test('is detected by the probe, and so is a missing one', async () => {
    await store.probe();
    await expect(createS3BlobStore({ ...bucket.settings, bucket: 'others' }).probe()).rejects.toThrow();
    expect(await away(() => store.probe())).not.toBe('nothing went wrong');
  });
});

/** A store that is briefly overloaded: it answers each first attempt to store with 503. */
test('a file is sent again after a moment if the store was busy', async () => {
  const refused: string[] = [];
  const { hostname, port } = new URL(bucket.settings.endpoint ?? '');
  const busy = createServer((request, response) => {
    const url = request.url ?? '';
    if (request.method === 'PUT' && refused.filter((one) => one === url).length < 2) {
      refused.push(url);
      request.resume();
      request.on('end', () => response.writeHead(503).end());
      return;
    }
    const { method, headers } = request;
    const passed = connect({ hostname, port, path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const endpoint = `http://127.0.0.1:${String((busy.address() as AddressInfo).port)}`;
  const store = createS3BlobStore({ ...bucket.settings, endpoint });
  const file = join(folder, 'staged');
  const bytes = randomBytes(2_000_000);
  await writeFile(file, bytes);
  const key = blobKey(sha256(bytes));
  await store.put(key, { file, sha256: sha256(bytes) });
  expect(refused).toHaveLength(2);
  expect((await buffer(store.read(key, { start: 0, end: bytes.length - 1 }))).equals(bytes)).toBe(true);
  store.close();
  busy.close();
  busy.closeAllConnections();
});

/** A store that deviates from S3, in several ways. */
describe('a bucket in a store that deviates from S3', () => {
  let other: Bucket;
  const said: string[] = [];
  let store: BlobStore;
  const data = randomBytes(100_000);
  const key = blobKey(sha256(data));
  beforeEach(async () => {
    other = await startBucket();
    said.length = 0;
    store = createS3BlobStore(
      {
        bucket: other.settings['S3_BUCKET'] ?? '',
        endpoint: other.settings['S3_ENDPOINT'],
        region: 'us-east-1',
        forcePathStyle: true,
      },
      (reason) => said.push(reason),
    );
  });
  afterEach(() => {
    store.close();
    other.close();
  });

  test('stores files although it does not support a checksum header', async () => {
    const file = join(folder, 'staged');
    await writeFile(file, data);
    await store.put(key, { file, sha256: sha256(data) });
    await store.put(previewKey(sha256(data), 'small'), { data });
    expect(other.objects.get(key)?.equals(data)).toBe(true);
    expect(said).toEqual(['NotImplemented']); // Detected once.
  });

  test('refuses bytes that were changed in transit', async () => {
    const file = join(folder, 'staged');
    await writeFile(file, 'others');
    const failure = await store.put(key, { file, sha256: sha256(data) }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'media.storage_failed' });
    expect(other.objects.has(key)).toBe(false);
  });

  test.each<[StoreMood, string]>([
    ['refuses', 'SlowDown'],
    ['denies', 'AccessDenied'],
    ['has lost its bucket', 'NoSuchBucket'],
    ['forgets', 'ObjectLost'],
    ['answers garbage', 'WrongBytes'],
  ])('is detected when it %s', async (mood, reason) => {
    other.setMood(mood);
    const trouble = await store.probe().catch((error: unknown) => error);
    expect(trouble).toMatchObject({ reason, message: expect.stringMatching(/bucket "proof"/) });
    other.setMood(undefined);
    await until(() =>
      store.probe().then(
        () => true,
        () => false,
      ),
    );
    expect([...other.objects.keys()]).toEqual([]); // The probe's object is deleted.
  });
});

/** Replaces a preview of some bytes: with their digest, one can tell whether it is complete. */
const previewOf = (digest: string): Buffer => Buffer.from(digest.repeat(2_000));

/** Stores like the service: staged to a file, previews first, bytes last. Prints what is stored. */
const storing = `
  import { createHash, randomBytes, randomInt } from 'node:crypto';
  import { blobKey, previewKey } from '${built('infra/files/blob-store.js')}';
  import { createLocalBlobStore } from '${built('infra/files/local-blob-store.js')}';
  import { createStaging } from '${built('infra/files/staging.js')}';
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
      await store.put(blobKey(file.sha256), { file: file.path, sha256: file.sha256 });
      process.stdout.write('stored ' + file.sha256 + '\\n');
    }
  }
  for (let count = 0; count < 4; count++) void storeOn();
`;

test('a process that is killed while it stores leaves complete files only, and loses no stored file', async () => {
  const kills = 25;
  const acknowledged: string[] = [];
  let leftovers = 0;
  for (let count = 0; count < kills; count++) {
    const program = startScript(storing, [folder]);
    await program.says(/stored/);
    await delay(randomInt(0, 60)); // The time of death is varied here; nothing is awaited.
    expect(await program.kill('SIGKILL')).toBe('SIGKILL');
    acknowledged.push(
      ...Array.from(program.output().matchAll(/stored (\w{64})\n/g), ([, digest = '']) => digest),
    );
    leftovers = (await filesUnder(join(folder, 'tmp'))).length;
  }

  expect(acknowledged.length).toBeGreaterThanOrEqual(kills);
  expect(leftovers).toBeGreaterThan(0); // Otherwise no process was killed in the middle of a write.
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
}, 180_000);
