import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';

import { loadConfig } from '../../../src/config.js';
import { failsFirst, requiresKey } from '../../../src/demo/media-checks.js';
import { bytes, endless, startMediaHost, type Check, type MediaHost } from '../../../src/demo/media-host.js';
import { photo, uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import type { Channel } from '../../../src/domain/channel.js';
import { AppError } from '../../../src/domain/errors.js';
import { newId } from '../../../src/domain/id.js';
import { warningsOf as oddities } from '../../../src/domain/media.js';
import type { MediaKind } from '../../../src/domain/provider.js';
import { blobKey } from '../../../src/infra/files/blob-store.js';
import { createLocalBlobStore } from '../../../src/infra/files/local-blob-store.js';
import { createStaging } from '../../../src/infra/files/staging.js';
import { createHttp, type HttpClient } from '../../../src/infra/net/http-client.js';
import { createSafeFetch, type SafeFetch } from '../../../src/infra/net/safe-fetch.js';
import { createImageDecoder } from '../../../src/infra/pictures/decoder.js';
import { createHeicDecoder } from '../../../src/infra/pictures/heic.js';
import { readMetadata } from '../../../src/infra/pictures/metadata/read-metadata.js';
import { createIsolatedDecoder, type IsolatedDecoder } from '../../../src/infra/pictures/isolated-decoder.js';
import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { createAudit } from '../../../src/infra/tables/audit.js';
import { createErasure } from '../../../src/infra/tables/erasure/erasure.js';
import type { MediaRow } from '../../../src/infra/tables/inbox/entry.js';
import { createInbox } from '../../../src/infra/tables/inbox/inbox.js';
import { createOrphans } from '../../../src/infra/tables/media/blobs.js';
import { createMediaTable, type MediaTable } from '../../../src/infra/tables/media/media.js';
import { createDiscard, type Discard } from '../../../src/pipeline/media/discard.js';
import { createFetch, type FetchOptions } from '../../../src/pipeline/media/fetch.js';
import { createHostGate } from '../../../src/pipeline/media/host-gate.js';
import { createMakePreviews, type PreviewOptions } from '../../../src/pipeline/media/previews.js';
import { createStore } from '../../../src/pipeline/media/store.js';
import { entry, mediaRow, messageRow, pseudonym } from '../../infra/tables/inbox/entries.js';
import { heic } from '../../support/heic.js';
import { startHostileHost, type HostileHost } from '../../support/hostile-host.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';
import { createSteps } from './steps.js';

let clone: TestDatabase;
let database: Database;
let table: MediaTable;
let host: MediaHost;
let other: MediaHost;
let hostile: HostileHost;
/** Not allowed: it must never be reached. */
let inside: HostileHost;
let photos: UniquePhotos;
let folder: string;
let download: SafeFetch;
let http: HttpClient;
let decoded: number;
let now: Date;

const start = new Date('2026-11-21T10:00:00.000Z');
const inMs = (ms: number): Date => new Date(now.getTime() + ms);

beforeAll(async () => {
  clone = await cloneDatabase();
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }));
  table = createMediaTable(database.workByKey);
  [host, other, hostile, inside] = await Promise.all([
    startMediaHost(),
    startMediaHost(),
    startHostileHost(),
    startHostileHost(),
  ] as const);
  photos = await uniquePhotos(1_000, { width: 640, height: 480 });
  http = createHttp({ timeoutMs: 5_000 });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-fetch-'));
  now = start;
  decoded = 0;
  download = downloadsWithin(60_000);
});
afterEach(async () => {
  await download.close();
  // No half-finished file may remain, whatever happened.
  expect(await stagedFiles()).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await Promise.all([host, other, hostile, inside].map((one) => one.close()));
  await http.close();
  await database.close();
  await clone.drop();
});

/** The time is long, except where it is the point: a busy machine must not turn another outcome into this one. */
function downloadsWithin(timeoutMs: number): SafeFetch {
  return createSafeFetch({
    allowPrivateHosts: [host.host, other.host, hostile.host],
    timeoutMs,
    now: () => now,
    lookup: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
  });
}

let nextPhoto = 0;
/** Bytes that no other test uses. */
const freshPhoto = (): Buffer => photos.at(nextPhoto++);
/** The photo, which is its own large preview, and the small preview. */
const filesOfPhoto = 2;
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** Puts a picture on the host and returns its URL. */
function publish(content: Buffer, ...checks: Check[]): string {
  return host.serve(`/${newId()}.jpg`, bytes('image/jpeg', content), checks);
}

/** For tests in which nothing may be decoded in isolation. */
const notApart: PreviewOptions['isolated'] = { preview: () => Promise.reject(new Error('not expected')) };

/** The service's worker with these channels and overrides. */
function worker(
  channels: readonly Channel[] = [plainChannel],
  changed: Partial<FetchOptions> = {},
  previewing: Partial<PreviewOptions> = {},
) {
  const images = createImageDecoder({ maxPixels: 1_000_000 });
  const blobs = createLocalBlobStore(folder);
  const store = createStore({
    blobs,
    readMetadata,
    makePreviews: createMakePreviews({
      images: {
        preview: (input, options) => {
          decoded += 1;
          return images.preview(input, options);
        },
      },
      isolated: notApart,
      decodeHeic: createHeicDecoder({ maxPixels: 1_000_000 }),
      grabFrame: undefined,
      decoders: 2,
      ...previewing,
    }),
    table,
    now: () => now,
  });
  const run = createFetch({
    table,
    download,
    store,
    now: () => now,
    chance: () => 1,
    stopping: () => false,
    http: () => http,
    embedded: () => Promise.reject(new Error('not expected')),
    discard: discarding(),
    channels: {
      // Media that were received earlier are downloaded even if their channel is disabled.
      active: () => undefined,
      any: (id) => channels.find((channel) => channel.id === id),
      ofProvider: () => [],
    },
    staging: createStaging(join(folder, 'tmp')),
    gate: createHostGate({ total: 16, maxPerSite: 8, maxWaiting: 64 }),
    logger: pino({ level: 'silent' }),
    storage: { problem: () => undefined, recheck: () => undefined },
    observe: () => undefined,
    maxBytes: 1_000_000,
    maxAttempts: 4,
    ...changed,
  });
  return (mediaId: string, starts = 1) => run({ mediaId, starts });
}

const discarding = (): Discard =>
  createDiscard({ orphans: createOrphans(database.work), blobs: createLocalBlobStore(folder) });

/** Erases a media item with its rows and files. */
async function erase(id: string): Promise<void> {
  const erasure = createErasure({
    pool: database.work,
    audit: createAudit(database.work, () => now),
    messageIdsIn: () => Promise.resolve(undefined),
    now: () => now,
  });
  const { blobs } = await erasure.media({ id, channel: 'z-api' }, { actor: 'test' });
  await discarding()(blobs);
}

const plainChannel: Channel = {
  id: 'z-api',
  provider: 'z-api',
  source: 'environment',
  settings: ['webhookSecret'],
  adapter: {
    verify: () => ({ ok: true }),
    parse: () => [],
    downloads: { trustedHosts: [] },
  },
};

/** Announces a picture with this URL and returns its id. */
async function announced(
  url: string,
  changed: Partial<MediaRow> & { channel?: string } = {},
): Promise<string> {
  const { channel = 'z-api', ...media } = changed;
  const name = newId();
  const { media: ids } = await createInbox({ pool: database.intake, pseudonym }, () => 'all').commit(
    entry(name, {
      channel,
      messages: [messageRow(name)],
      media: [mediaRow(name, { source_url: url, ...media })],
    }),
  );
  // The queue deletes a job after it ran; here only the test runs jobs.
  await clone.query(`delete from graphile_worker._private_jobs where payload ->> 'mediaId' = $1`, [ids[0]]);
  return ids[0] ?? '';
}

interface Row {
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at: Date | null;
  readonly error_code: string | null;
  readonly kind: MediaKind;
  readonly declared_sha256: string | null;
  readonly sha256: string | null;
  readonly source_url: string;
}

async function rowOf(id: string): Promise<Row> {
  const [row] = await clone.query<Row>('select * from media where id = $1', [id]);
  if (!row) throw new Error('there is no such media');
  return row;
}

/** The codes of the warnings of a stored media item. */
async function warningsOf(id: string): Promise<string[]> {
  const { kind, declared_sha256: declaredSha256, sha256: kept } = await rowOf(id);
  const blob = await table.findBlob(kept ?? '');
  return blob ? oddities({ kind, declaredSha256 }, blob).map(({ code }) => code) : ['no bytes'];
}

/** The delays of a media item's jobs, in milliseconds. */
async function jobsOf(id: string): Promise<number[]> {
  const rows = await clone.query<{ ms: number }>(
    `select round(extract(epoch from run_at - updated_at) * 1000)::int as ms
     from graphile_worker._private_jobs where payload ->> 'mediaId' = $1`,
    [id],
  );
  return rows.map(({ ms }) => ms);
}

async function storedFiles(): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((one) => one.isFile()).map(({ name }) => name);
}

const stagedFiles = (): Promise<string[]> => readdir(join(folder, 'tmp')).catch(() => []);

const requestsFor = (url: string, from: MediaHost = host): number =>
  from.requests.filter((request) => request.url.pathname === new URL(url).pathname).length;

describe('a picture', () => {
  test('that can be downloaded becomes ready, with its bytes, two previews and its facts', async () => {
    const content = await photo({ seed: 2, width: 640, height: 480, orientation: 6 });
    const id = await announced(publish(content));
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', attempts: 1, sha256: sha256(content) });
    expect((await readFile(join(folder, blobKey(sha256(content))))).equals(content)).toBe(true);
    expect((await storedFiles()).toSorted()).toEqual(
      ['', '-large', '-small'].map((size) => sha256(content) + size),
    );
    expect(await table.findBlob(sha256(content))).toMatchObject({
      type: 'image/jpeg',
      bytes: content.length,
      width: 640,
      height: 480,
      previews: [
        { size: 'small', width: 400, height: 300 },
        { size: 'large', width: 640, height: 480 },
      ],
    });
    expect(await jobsOf(id)).toEqual([]);
  });

  test('whose job runs twice is downloaded once, and nothing changes', async () => {
    const url = publish(freshPhoto());
    const id = await announced(url);
    const run = worker();
    await run(id);
    const before = await rowOf(id);
    await run(id, 2);
    expect(await rowOf(id)).toEqual(before);
    expect(requestsFor(url)).toBe(1);
  });

  test('whose job runs twice at once becomes ready and is counted once', async () => {
    const id = await announced(publish(freshPhoto()));
    const run = worker();
    await Promise.all([run(id), run(id), run(id)]);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', attempts: 1 });
    expect(await storedFiles()).toHaveLength(filesOfPhoto);
  });

  test('that arrived with ten messages at once is stored once, and ready ten times', async () => {
    const content = freshPhoto();
    const ids = await Promise.all(Array.from({ length: 10 }, () => announced(publish(content))));
    const run = worker();
    await Promise.all(ids.map((id) => run(id)));
    for (const id of ids) expect(await rowOf(id)).toMatchObject({ state: 'ready', sha256: sha256(content) });
    expect(decoded).toBeLessThan(5); // Most of them find the result of the first ones.
    expect(await storedFiles()).toHaveLength(filesOfPhoto);
    const blobs = await clone.query('select from blob where sha256 = $1', [sha256(content)]);
    expect(blobs).toHaveLength(1);
  });

  test.each<[string, (file: string) => Promise<void>]>([
    ['was removed from the disk', (file) => rm(file)],
    ['was cut short on the disk', (file) => truncate(file, 100)],
  ])('whose file %s is stored again when it arrives again', async (_, spoil) => {
    const content = freshPhoto();
    const run = worker();
    await run(await announced(publish(content)));
    const file = join(folder, blobKey(sha256(content)));
    await spoil(file);
    await run(await announced(publish(content)));
    expect(await storedFiles()).toHaveLength(filesOfPhoto);
    expect(sha256(await readFile(file))).toBe(sha256(content));
    expect(decoded).toBe(2);
  });

  test('that was never announced causes no error', async () => {
    await worker()(newId());
    expect(await storedFiles()).toEqual([]);
  });
});

describe('a temporary failure is retried', () => {
  test('after two failures and their delays it becomes ready', async () => {
    const id = await announced(publish(freshPhoto(), failsFirst(2)));
    const run = worker();
    await run(id);
    expect(await rowOf(id)).toMatchObject({
      state: 'pending',
      attempts: 1,
      error_code: 'media.http_status',
      next_attempt_at: inMs(2_000),
    });
    expect(await jobsOf(id)).toEqual([2_000]);
    now = inMs(2_000);
    await run(id);
    expect(await rowOf(id)).toMatchObject({ attempts: 2, next_attempt_at: inMs(6_000) });
    expect(await jobsOf(id)).toEqual([6_000]);
    now = inMs(6_000);
    await run(id);
    expect(await rowOf(id)).toMatchObject({
      state: 'ready',
      attempts: 3,
      error_code: null,
      next_attempt_at: null,
    });
  });

  test('not before the time in Retry-After', async () => {
    const id = await announced(publish(freshPhoto(), failsFirst(1, 77)));
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', next_attempt_at: inMs(77_000) });
    expect(await jobsOf(id)).toEqual([77_000]);
  });

  test('when the host asks for it with 429', async () => {
    const id = await announced(hostile.url('/status?code=429&retryAfter=30'));
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({
      state: 'pending',
      error_code: 'media.rate_limited',
      next_attempt_at: inMs(30_000),
    });
  });

  test.each([
    ['/status?code=503', 'media.http_status'],
    ['/status?code=408', 'media.http_status'],
    ['/reset', 'media.connection_failed'],
    ['/reset?after=1000', 'media.truncated'],
    ['/liar?declared=1000&sent=10', 'media.truncated'],
    ['/hang', 'media.timeout'],
    ['/drip', 'media.timeout'],
    ['/empty', 'media.empty'],
  ])('%s: %s', async (path, code) => {
    if (code === 'media.timeout') {
      await download.close();
      download = downloadsWithin(4_000);
    }
    const id = await announced(hostile.url(path));
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 1, error_code: code });
    expect(await jobsOf(id)).toHaveLength(1);
  });

  test('until the attempts are used up', async () => {
    const id = await announced(hostile.url('/status?code=500'));
    const run = worker();
    for (let attempt = 1; attempt <= 4; attempt++) {
      expect((await rowOf(id)).state).toBe('pending');
      await run(id);
    }
    expect(await rowOf(id)).toMatchObject({
      state: 'failed',
      attempts: 4,
      error_code: 'media.http_status',
      next_attempt_at: null,
    });
  });

  test('until the link expires, with one last attempt before', async () => {
    const id = await announced(hostile.url('/status?code=500'), {
      source_expires_at: inMs(8_000).toISOString(),
    });
    const run = worker();
    await run(id);
    expect(await rowOf(id)).toMatchObject({ next_attempt_at: inMs(2_000) });
    now = inMs(2_000);
    await run(id); // The next delay would be six seconds, and the link expires in six.
    expect(await rowOf(id)).toMatchObject({ state: 'pending', next_attempt_at: inMs(6_000) });
    now = inMs(6_000);
    await run(id);
    expect(await rowOf(id)).toMatchObject({ state: 'failed', error_code: 'media.link_expired' });
  });

  test('forever, if the local disk fails', async () => {
    const id = await announced(publish(freshPhoto()));
    await writeFile(join(folder, 'blobs'), 'in the way');
    const run = worker();
    for (let attempt = 1; attempt <= 6; attempt++) await run(id);
    expect(await rowOf(id)).toMatchObject({
      state: 'pending',
      attempts: 6,
      error_code: 'media.storage_failed',
    });
    await rm(join(folder, 'blobs'));
    await run(id);
    expect((await rowOf(id)).state).toBe('ready');
  });
});

describe('a fault of this service', () => {
  /** A worker that fails in the middle, like a fault in a decoder or a failed statement. */
  const failing = (error: Error) =>
    worker([plainChannel], {
      maxAttempts: 12,
      store: async (file) => {
        await file.discard();
        throw error;
      },
    });

  test('is retried a few times, becomes visible, and can be retried by a user', async () => {
    const id = await announced(publish(freshPhoto()));
    const run = failing(new TypeError('x is not y'));
    for (let attempt = 1; attempt <= 4; attempt++) await run(id);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 4, error_code: 'media.internal' });
    await run(id);
    expect(await rowOf(id)).toMatchObject({ state: 'failed', attempts: 5, error_code: 'media.internal' });
  });

  test('differs from a failure of the database, which counts against no picture', async () => {
    const id = await announced(publish(freshPhoto()));
    const away = Object.assign(new Error('terminating connection'), { code: '57P01' });
    await failing(away)(id);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 0, error_code: null });
  });
});

describe('a final failure is not retried', () => {
  test.each([
    ['/status?code=404', 'failed', 'media.gone'],
    ['/status?code=410', 'failed', 'media.gone'],
    ['/status?code=403', 'failed', 'media.refused'],
    ['/status?code=400', 'failed', 'media.refused'],
    ['/loop', 'rejected', 'media.too_many_redirects'],
    ['/flood', 'rejected', 'media.too_large'],
    ['/bomb', 'rejected', 'media.too_large'],
    ['/startingWith?start=28b52ffd&as=zstd', 'rejected', 'media.unsupported_encoding'],
  ])('%s: %s, %s', async (path, state, code) => {
    const id = await announced(hostile.url(path));
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state, attempts: 1, error_code: code, next_attempt_at: null });
    expect(await jobsOf(id)).toEqual([]);
    expect(await storedFiles()).toEqual([]);
  });

  test.each([
    ['no URL', 'not a url', 'media.invalid_url'],
    ['another scheme', 'file:///etc/passwd', 'media.invalid_url'],
    ['a user name', 'http://user:secret@example.org/', 'media.invalid_url'],
    ['another port', 'http://example.org:22/', 'media.forbidden_port'],
    ['this machine', 'http://127.0.0.1/x', 'media.forbidden_address'],
    ['this machine in another spelling', 'http://[::ffff:7f00:1]/x', 'media.forbidden_address'],
  ])('an address that is %s', async (_, url, code) => {
    const id = await announced(url);
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'rejected', attempts: 1, error_code: code });
  });

  test('a file that declares too many bytes, before any of them is read', async () => {
    const id = await announced(publish(Buffer.alloc(1_000_001)));
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'rejected', error_code: 'media.too_large' });
  });

  test('an endless file that starts like a picture', async () => {
    const url = host.serve(`/${newId()}`, endless('image/jpeg', freshPhoto()));
    const id = await announced(url);
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'rejected', error_code: 'media.too_large' });
  });

  test.each([
    ['a page', '<!doctype html><title>Sign in</title>'],
    ['JSON', '{"error":{"code":403}}'],
    ['XML', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
  ])('%s instead of a picture, after a few attempts', async (_, text) => {
    const id = await announced(publish(Buffer.from(text)));
    const run = worker();
    for (let attempt = 1; attempt <= 2; attempt++) {
      await run(id);
      expect(await rowOf(id)).toMatchObject({ state: 'pending', error_code: 'media.type_mismatch' });
    }
    await run(id);
    expect(await rowOf(id)).toMatchObject({
      state: 'rejected',
      attempts: 3,
      error_code: 'media.type_mismatch',
    });
    expect(await storedFiles()).toEqual([]);
  });

  test('a page that is followed by the picture has no consequence', async () => {
    const path = `/${newId()}.jpg`;
    const id = await announced(host.serve(path, bytes('text/html', Buffer.from('<html>busy</html>'))));
    const run = worker();
    await run(id);
    host.serve(path, bytes('image/jpeg', freshPhoto()));
    await run(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', error_code: null });
  });
});

describe('a complete download is kept', () => {
  let isolated: IsolatedDecoder;
  beforeAll(() => {
    isolated = createIsolatedDecoder({ maxPixels: 1_000_000 });
  });
  afterAll(() => {
    isolated.close();
  });

  test.each([
    ['a drawing that may hold a script', '<svg xmlns="http://www.w3.org/2000/svg"/>', ['media.no_decoder']],
    ['a PDF without a page', '%PDF-1.7\n', ['media.kind_differs', 'media.damaged']],
    ['text', 'gone', ['media.kind_differs']],
    ['what begins like a GIF and is a script', 'GIF89a/*\u0001*/=1;alert(1)', ['media.damaged']],
  ])('%s instead of a picture', async (_, text, warnings) => {
    const id = await announced(publish(Buffer.from(text, 'latin1')));
    await worker([plainChannel], {}, { isolated })(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', error_code: null });
    expect(await warningsOf(id)).toEqual(warnings);
    expect(await storedFiles()).toHaveLength(1);
  });

  test.each(['image', 'document'] as const)(
    'half a picture sent as %s, with previews of that half',
    async (kind) => {
      const content = freshPhoto();
      const id = await announced(publish(content.subarray(0, content.length / 2)), { kind });
      await worker([plainChannel], {}, { isolated })(id);
      expect((await rowOf(id)).state).toBe('ready');
      expect(await warningsOf(id)).toEqual(['media.damaged']);
      expect(await storedFiles()).toHaveLength(3);
    },
  );

  test('a picture with too many pixels', async () => {
    const id = await announced(publish(await photo({ seed: 1, width: 1200, height: 900 })));
    await worker([plainChannel], {}, { isolated })(id);
    expect((await rowOf(id)).state).toBe('ready');
    expect(await warningsOf(id)).toEqual(['media.too_many_pixels']);
  });

  test('bytes with another digest than announced, if a second download returns the same', async () => {
    const content = freshPhoto();
    let asked = 0;
    const url = publish(content, () => {
      asked += 1;
      return undefined;
    });
    const wrong = await announced(url, { declared_sha256: '0'.repeat(64) });
    const right = await announced(url, { declared_sha256: sha256(content) });
    const run = worker();
    await run(wrong);
    expect((await rowOf(wrong)).state).toBe('ready');
    expect(await warningsOf(wrong)).toEqual(['media.hash_mismatch']);
    expect(asked).toBe(2);
    await run(right);
    expect(await warningsOf(right)).toEqual([]);
    expect(asked).toBe(3);
    expect(await stagedFiles()).toEqual([]);
  });

  test('the right bytes, if only the second download returns them', async () => {
    const first = freshPhoto();
    const second = freshPhoto();
    const answers = [first, second];
    const url = host.serve(
      `/${newId()}.jpg`,
      bytes('image/jpeg', () => answers.shift() ?? first),
    );
    const id = await announced(url, { declared_sha256: sha256(second) });
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', sha256: sha256(second) });
    expect(await warningsOf(id)).toEqual([]);
    expect(await stagedFiles()).toEqual([]);
  });

  test('the first bytes, if they cannot be downloaded a second time', async () => {
    const content = freshPhoto();
    const refusals = [undefined, { status: 404 }];
    const url = publish(content, () => refusals.shift());
    const id = await announced(url, { declared_sha256: '0'.repeat(64) });
    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', sha256: sha256(content) });
  });

  test('the treatment of bytes does not depend on earlier announcements', async () => {
    const broken = freshPhoto().subarray(0, 5_000);
    const run = worker([plainChannel], {}, { isolated });
    const kinds = ['image', 'document', 'video', 'image', 'document'] as const;
    const found: unknown[] = [];
    for (const kind of kinds) {
      const id = await announced(publish(broken), { kind });
      await run(id);
      found.push([(await rowOf(id)).state, await warningsOf(id)]);
    }
    const damaged = ['ready', ['media.damaged']];
    const differing = ['ready', ['media.kind_differs', 'media.damaged']];
    expect(found).toEqual([damaged, damaged, differing, damaged, damaged]);
  });

  test('bytes that an earlier version could not preview get their previews when they arrive again', async () => {
    const content = freshPhoto();
    const earlier = await announced(publish(content));
    const later = await announced(publish(content));
    const run = worker();
    await run(earlier);
    const known = await table.findBlob(sha256(content));
    await clone.query(
      `update blob set type = 'application/octet-stream', width = null, height = null, thumbhash = null, previews = '[]'
       where sha256 = $1`,
      [sha256(content)],
    );
    await run(later);
    expect(await table.findBlob(sha256(content))).toEqual(known);
  });

  test.each(['document', 'image'] as const)(
    'a HEIC picture sent as %s gets previews, whole or not',
    async (kind) => {
      const unique = Buffer.from(newId());
      const [whole, broken] = [await heic('photo'), (await heic('photo')).subarray(0, 1_500)].map((bytes) =>
        Buffer.concat([bytes, unique]),
      ) as [Buffer, Buffer];
      const ids = [await announced(publish(whole), { kind }), await announced(publish(broken), { kind })];
      for (const id of ids) await worker()(id);
      expect((await Promise.all(ids.map(rowOf))).map(({ state }) => state)).toEqual(['ready', 'ready']);
      expect(await table.findBlob(sha256(whole))).toMatchObject({
        type: 'image/heic',
        width: 120,
        height: 80,
        previews: [
          { size: 'small', type: 'image/jpeg', width: 120, height: 80 },
          { size: 'large', type: 'image/jpeg', width: 120, height: 80 },
        ],
      });
      expect(await table.findBlob(sha256(broken))).toMatchObject({
        type: 'image/heic',
        width: null,
        previews: [],
      });
    },
  );

  test('a picture beyond the queue limit of a slow decoder is retried, and finally stored without previews', async () => {
    let free: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => (free = resolve));
    let inside = 0;
    const decodeHeic = createHeicDecoder({ maxPixels: 1_000_000 });
    const run = worker(
      [plainChannel],
      {},
      {
        decodeHeic: async (path) => {
          inside += 1;
          await blocked;
          return decodeHeic(path);
        },
      },
    );
    const whole = await heic('photo');
    const urls = Array.from({ length: 18 }, () => publish(Buffer.concat([whole, Buffer.from(newId())])));
    const ids = await Promise.all(urls.map((url) => announced(url, { kind: 'document' })));
    const runs = ids.map((id) => run(id));
    // One is decoded and sixteen wait, so the eighteenth is rejected.
    await Promise.race(runs);
    expect(inside).toBe(1);
    const rows = await Promise.all(ids.map(rowOf));
    expect(rows.map(({ state }) => state)).toEqual(Array(18).fill('pending'));
    const one = ids[rows.findIndex(({ attempts }) => attempts === 1)] ?? '';
    expect(await rowOf(one)).toMatchObject({ error_code: 'media.busy', next_attempt_at: inMs(2_000) });
    expect(await jobsOf(one)).toEqual([2_000]);
    for (let attempt = 2; attempt <= 3; attempt++) {
      await run(one);
      expect(await rowOf(one)).toMatchObject({ state: 'pending', attempts: attempt });
    }
    // The last attempt that waits for a decoder.
    await run(one);
    const { state, sha256: kept } = await rowOf(one);
    expect(state).toBe('ready');
    expect((await table.findBlob(kept ?? ''))?.previews).toEqual([]);
    // A file whose link expires soon is not discarded either.
    const unique = Buffer.concat([whole, Buffer.from(newId())]);
    const ending = await announced(publish(unique), {
      kind: 'document',
      source_expires_at: inMs(60_000).toISOString(),
    });
    await run(ending);
    expect((await rowOf(ending)).state).toBe('ready');
    free();
    await Promise.all(runs);
    const after = await Promise.all(ids.map(rowOf));
    expect(after.map(({ state }) => state)).toEqual(Array(18).fill('ready'));
  });

  test('bytes that are stored as a document are still not a picture', async () => {
    const html = Buffer.from(`<!doctype html>${newId()}`);
    const run = worker();
    const document = await announced(publish(html), { kind: 'document' });
    await run(document);
    expect((await rowOf(document)).state).toBe('ready');
    const picture = await announced(publish(html));
    await run(picture);
    expect(await rowOf(picture)).toMatchObject({ state: 'pending', error_code: 'media.type_mismatch' });
  });
});

describe('a forbidden address is not reached', () => {
  const openChannel: Channel = {
    ...plainChannel,
    // The port is allowed, so that the address decides.
    adapter: { ...plainChannel.adapter, downloads: { trustedHosts: [/./] } },
  };

  test.each([
    ['literally', (port: number) => `http://127.0.0.1:${String(port)}/ok`],
    ['as a number', (port: number) => `http://2130706433:${String(port)}/ok`],
    ['within IPv6', (port: number) => `http://[::ffff:127.0.0.1]:${String(port)}/ok`],
    ['by its usual name', (port: number) => `http://localhost:${String(port)}/ok`],
    [
      'by a redirect of a host that may be reached',
      (port: number) =>
        hostile.url(`/redirect?to=${encodeURIComponent(`http://127.0.0.1:${String(port)}/ok`)}`),
    ],
  ])('%s: rejected without a connection', async (_, urlOf) => {
    const id = await announced(urlOf(inside.port));
    await worker([openChannel])(id);
    expect(await rowOf(id)).toMatchObject({
      state: 'rejected',
      attempts: 1,
      error_code: 'media.forbidden_address',
    });
    expect(inside.connections()).toBe(0);
  });

  test('by a name: rejected without a connection, after a few lookups', async () => {
    const id = await announced(`http://pictures.example.org:${String(inside.port)}/ok`);
    const run = worker([openChannel]);
    for (let attempt = 1; attempt <= 3; attempt++) await run(id);
    const forbidden = { error_code: 'media.forbidden_address' };
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 3, ...forbidden });
    await run(id);
    expect(await rowOf(id)).toMatchObject({ state: 'rejected', attempts: 4, ...forbidden });
    expect(inside.connections()).toBe(0);
  });
});

describe('credentials', () => {
  const secret = { authorization: 'Key secret' };

  function trusting(...trustedHosts: string[]): Channel {
    const downloads = { trustedHosts, authorize: () => secret };
    return { ...plainChannel, adapter: { ...plainChannel.adapter, downloads } };
  }

  test('go to a host of the channel if the link requires them', async () => {
    const id = await announced(publish(freshPhoto(), requiresKey('secret')), { source_credentials: true });
    await worker([trusting(host.host)])(id);
    expect((await rowOf(id)).state).toBe('ready');
  });

  test.each([
    ['to another host', 'elsewhere.example.org', true],
    ['for a link that does not ask for them', 'this', false],
  ])('do not go %s', async (_, trusted, asks) => {
    const url = publish(freshPhoto());
    const id = await announced(url, { source_credentials: asks });
    await worker([trusting(trusted === 'this' ? host.host : trusted)])(id);
    expect((await rowOf(id)).state).toBe('ready');
    expect(host.requests.at(-1)?.url.pathname).toBe(new URL(url).pathname);
    expect(host.requests.at(-1)?.hadCredentials).toBe(false);
  });

  test('do not follow a redirect to another origin, not even one that is trusted too', async () => {
    const path = `/${newId()}`;
    const target = other.serve(path, bytes('image/jpeg', freshPhoto()));
    const from = host.serve(`/${newId()}`, bytes('image/jpeg', Buffer.alloc(0)), [
      () => ({ status: 302, headers: { location: target } }),
    ]);
    const id = await announced(from, { source_credentials: true });
    await worker([trusting(host.host, other.host)])(id);
    expect((await rowOf(id)).state).toBe('ready');
    expect(host.requests.at(-1)?.headers.authorization).toBe('Key secret');
    expect(other.requests.at(-1)).toMatchObject({ hadCredentials: false, url: { pathname: path } });
  });

  test('of a deleted channel are not sent, and the picture is downloaded without them', async () => {
    const id = await announced(publish(freshPhoto()), { source_credentials: true, channel: 'gone' });
    await worker([trusting(host.host)])(id);
    expect((await rowOf(id)).state).toBe('ready');
    expect(host.requests.at(-1)?.hadCredentials).toBe(false);
  });
});

describe('a renewable link (Blip)', () => {
  let commands: unknown[];
  let answer: { readonly status: number; readonly body: object };
  beforeEach(() => {
    commands = [];
    host.answer('/commands', (request, body) => {
      commands.push({ key: request.headers.authorization, body });
      return {
        status: answer.status,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(answer.body),
      };
    });
  });

  function blip(): Channel[] {
    const config = loadConfig(
      {
        AUTH_SECRET: 'x'.repeat(32),
        BLIP_WEBHOOK_SECRET: 'y'.repeat(32),
        BLIP_CONTRACT_ID: 'shop',
        BLIP_KEY: 'secret',
        BLIP_API_URL: host.origin,
      },
      () => now,
    );
    return [...config.channels];
  }

  const refuses: Check = () => ({ status: 403, body: 'AuthenticationFailed' });
  const success = (resource: string): typeof answer => ({
    status: 200,
    body: { status: 'success', resource },
  });
  const refreshed = (content: Buffer, ...checks: Check[]): string => {
    const url = publish(content, ...checks);
    answer = success(url);
    return url;
  };

  test('is renewed when it is refused, and the picture becomes ready', async () => {
    const stale = publish(freshPhoto(), refuses);
    const fresh = refreshed(freshPhoto());
    const id = await announced(stale, { channel: 'blip' });
    await worker(blip())(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', attempts: 1, source_url: fresh });
    expect(commands).toMatchObject([
      { key: 'Key secret', body: { method: 'set', uri: '/refresh-media-uri', resource: stale } },
    ]);
  });

  test('is renewed before it is used if it has expired', async () => {
    const stale = publish(freshPhoto());
    const fresh = refreshed(freshPhoto());
    const id = await announced(stale, { channel: 'blip', source_expires_at: inMs(-1_000).toISOString() });
    await worker(blip())(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', source_url: fresh });
    expect(requestsFor(stale)).toBe(0);
  });

  test('is renewed once per attempt: the refusal of a new link is final', async () => {
    refreshed(freshPhoto(), refuses);
    const id = await announced(publish(freshPhoto(), refuses), { channel: 'blip' });
    await worker(blip())(id);
    expect(await rowOf(id)).toMatchObject({ state: 'failed', error_code: 'media.refused' });
    expect(commands).toHaveLength(1);
  });

  test.each([
    ['has none', 200, 'failed', 'media.link_expired'],
    ['refuses the command', 401, 'failed', 'media.refused'],
    ['is busy', 429, 'pending', 'media.rate_limited'],
    ['is down', 503, 'pending', 'media.http_status'],
  ])('whose provider %s (%i): %s, %s', async (_, status, state, code) => {
    answer = { status, body: { status: 'failure' } };
    const id = await announced(publish(freshPhoto(), refuses), { channel: 'blip' });
    await worker(blip())(id);
    expect(await rowOf(id)).toMatchObject({ state, error_code: code, attempts: 1 });
  });

  test('does not limit the attempts: the picture survives a failure that outlasts the link', async () => {
    const id = await announced(publish(freshPhoto(), failsFirst(9)), {
      channel: 'blip',
      source_expires_at: inMs(3_000).toISOString(),
    });
    const run = worker(blip());
    await run(id);
    now = (await rowOf(id)).next_attempt_at ?? now;
    await run(id); // The link will have expired by the third attempt.
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 2, next_attempt_at: inMs(6_000) });
    now = inMs(6_000);
    refreshed(freshPhoto());
    await run(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', attempts: 3 });
  });

  test('that fails temporarily after its renewal is retried', async () => {
    const fresh = refreshed(freshPhoto(), failsFirst(1));
    const id = await announced(publish(freshPhoto()), {
      channel: 'blip',
      source_expires_at: inMs(-60_000).toISOString(),
    });
    await worker(blip())(id);
    expect(await rowOf(id)).toMatchObject({
      state: 'pending',
      error_code: 'media.http_status',
      source_url: fresh,
    });
    now = inMs(2_000);
    await worker(blip())(id);
    expect((await rowOf(id)).state).toBe('ready');
  });

  test('that has expired and temporarily cannot be renewed is retried', async () => {
    answer = { status: 503, body: {} };
    const id = await announced(publish(freshPhoto()), {
      channel: 'blip',
      source_expires_at: inMs(-60_000).toISOString(),
    });
    await worker(blip())(id);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', error_code: 'media.http_status' });
  });
});

test('an expired link that cannot be renewed is tried nevertheless, because clocks differ', async () => {
  const id = await announced(publish(freshPhoto()), { source_expires_at: inMs(-60_000).toISOString() });
  await worker()(id);
  expect((await rowOf(id)).state).toBe('ready');
});

describe('a picture whose process died', () => {
  let isolated: IsolatedDecoder;
  beforeEach(() => {
    isolated = createIsolatedDecoder({ maxPixels: 1_000_000 });
  });
  afterEach(() => {
    isolated.close();
  });
  const suspecting = (changed: Partial<PreviewOptions> = {}) =>
    worker([plainChannel], {}, { isolated, ...changed });
  /** The service has died this often while the picture was decoded in isolation. */
  const died = (id: string, times: number) =>
    clone.query('update media set decodings = $2 where id = $1', [id, times]);

  test('is decoded in isolation', async () => {
    const id = await announced(publish(freshPhoto()));
    await suspecting()(id, 2);
    expect(await rowOf(id)).toMatchObject({ state: 'ready' });
    expect(await storedFiles()).toHaveLength(filesOfPhoto);
    expect(decoded).toBe(0);
  });

  test('is not decoded again after a decoder has crashed on it twice', async () => {
    const id = await announced(publish(freshPhoto()));
    const crashed = () => Promise.reject(new AppError('media.crashed', 'the decoder died of it, twice'));
    await suspecting({ isolated: { preview: crashed } })(id, 2);
    expect((await rowOf(id)).state).toBe('ready');
    expect(await warningsOf(id)).toEqual(['media.damaged']);
    expect(decoded).toBe(0);
  });

  test('is retried if no decoder was available', async () => {
    const noProcess = Object.assign(new Error('spawn EAGAIN'), { code: 'EAGAIN', syscall: 'spawn' });
    const id = await announced(publish(freshPhoto()));
    await suspecting({ isolated: { preview: () => Promise.reject(noProcess) } })(id, 2);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', error_code: 'media.storage_failed' });
  });

  test('is retried until the service has crashed too often nevertheless', async () => {
    const id = await announced(publish(freshPhoto()));
    const other = await announced(publish(freshPhoto()));
    await died(id, 24);
    await suspecting()(id, 100);
    expect((await rowOf(id)).state).toBe('ready');
    await died(other, 25);
    await suspecting()(other, 100);
    expect((await rowOf(other)).state).toBe('ready');
    expect(await warningsOf(other)).toEqual(['media.damaged']);
  });

  test('is decoded alone; the others wait, which does not count against them', async () => {
    const begun: string[] = [];
    const steps = createSteps();
    const run = async (name: string): Promise<never> => {
      await steps.run(name);
      throw new Error(name);
    };
    const makePreviews = createMakePreviews({
      images: { preview: () => run('beside the service') },
      isolated: { preview: () => run('alone') },
      decodeHeic: () => run('heic'),
      grabFrame: () => run('video'),
      decoders: 2,
    });
    const types = ['image/jpeg', 'image/heic', 'video/mp4', 'image/png'];
    for (const type of types)
      void makePreviews({
        path: 'nowhere',
        head: Buffer.alloc(16),
        type,
        suspicion: { beforeDecoding: () => Promise.resolve(void begun.push(type)) },
      });
    for (const [index, name] of ['alone', 'heic', 'video', 'alone'].entries()) {
      await steps.settle();
      expect(steps.running()).toEqual([name]);
      expect(begun).toEqual(types.slice(0, index + 1));
      steps.finish(name);
    }
  });

  test('is counted from zero after a finished decoding', async () => {
    const id = await announced(publish(freshPhoto()));
    await died(id, 24);
    const busy = () => Promise.reject(new AppError('media.busy', 'no decoder has time'));
    await suspecting({ isolated: { preview: busy } })(id, 2);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', error_code: 'media.busy', decodings: 0 });
    await suspecting()(id, 2);
    expect((await rowOf(id)).state).toBe('ready');
    expect(await warningsOf(id)).toEqual([]);
  });
});

describe('a host without free places', () => {
  test('postpones the picture without counting an attempt', async () => {
    const id = await announced(publish(freshPhoto()));
    await worker([plainChannel], { gate: { pass: () => Promise.resolve({ retryInMs: 1_234 }) } })(id);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 0, error_code: null });
    expect(await jobsOf(id)).toEqual([1_234]);
  });
});

describe('a process during its shutdown', () => {
  test('passes interrupted pictures on at once, and counts no attempt', async () => {
    const id = await announced(hostile.url('/hang'));
    const running = worker([plainChannel], { stopping: () => true })(id);
    await download.close();
    await running;
    expect(await rowOf(id)).toMatchObject({ state: 'pending', attempts: 0, error_code: null });
    expect(await jobsOf(id)).toEqual([0]);
  });

  test('lets no picture wait for a decoder', async () => {
    const lastCall = new AbortController();
    const steps = createSteps();
    const images = createImageDecoder({ maxPixels: 1_000_000 });
    const slow: PreviewOptions['images'] = {
      preview: async (input, options) => {
        await steps.run('decoding');
        return images.preview(input, options);
      },
    };
    const run = worker(
      [plainChannel],
      { stopping: () => lastCall.signal.aborted },
      { images: slow, decoders: 1, stopSignal: lastCall.signal },
    );
    const ids = [await announced(publish(freshPhoto())), await announced(publish(freshPhoto()))];
    const running = ids.map((id) => run(id));
    await until(() => steps.running().length > 0);
    await until(async () => (await stagedFiles()).length === 2);
    lastCall.abort();
    await Promise.any(running);
    const states = () => Promise.all(ids.map(async (id) => (await rowOf(id)).state));
    expect(await states()).toEqual(['pending', 'pending']);
    steps.finish('decoding');
    await Promise.all(running);
    expect((await states()).sort()).toEqual(['pending', 'ready']);
  });
});

describe('while a picture is downloaded', () => {
  /** A worker during which something happens after the bytes are stored and before the row is updated. */
  function interrupted(meanwhile: () => Promise<void>) {
    const store = createStore({
      blobs: createLocalBlobStore(folder),
      readMetadata,
      makePreviews: createMakePreviews({
        images: createImageDecoder({ maxPixels: 1_000_000 }),
        isolated: notApart,
        decodeHeic: createHeicDecoder({ maxPixels: 1_000_000 }),
        grabFrame: undefined,
        decoders: 1,
      }),
      table,
      now: () => now,
    });
    return worker([plainChannel], {
      store: async (file, expected) => {
        const blob = await store(file, expected);
        await meanwhile();
        return blob;
      },
    });
  }
  const blobsOf = (content: Buffer) =>
    clone.query('select sha256, orphaned_at from blob where sha256 = $1', [sha256(content)]);

  test('it may be erased: it stays erased, and none of its files remains', async () => {
    const content = freshPhoto();
    const id = await announced(publish(content));
    await interrupted(() => erase(id))(id);
    expect(await rowOf(id)).toMatchObject({ state: 'erased', sha256: null });
    expect(await storedFiles()).toEqual([]);
    expect(await blobsOf(content)).toEqual([]);
  });

  test('it may be erased while another item has the same bytes: those stay', async () => {
    const content = freshPhoto();
    const kept = await announced(publish(content));
    const erased = await announced(publish(content));
    await worker()(kept);
    const before = await storedFiles();
    await interrupted(() => erase(erased))(erased);
    expect(await storedFiles()).toEqual(before);
    expect(await blobsOf(content)).toEqual([{ sha256: sha256(content), orphaned_at: null }]);
  });

  test('the only other item with its bytes may be erased: it is downloaded again', async () => {
    const content = freshPhoto();
    const other = await announced(publish(content));
    const id = await announced(publish(content));
    await worker()(other);
    await clone.query('delete from graphile_worker._private_jobs');
    await interrupted(() => erase(other))(id);
    expect(await rowOf(id)).toMatchObject({ state: 'pending', sha256: null });
    expect(await jobsOf(id)).toHaveLength(1);

    await worker()(id);
    expect(await rowOf(id)).toMatchObject({ state: 'ready', sha256: sha256(content) });
    expect(await storedFiles()).toHaveLength(filesOfPhoto);
    await discarding()([sha256(content)]);
    expect(await storedFiles()).toHaveLength(filesOfPhoto);
  });

  test('its bytes may become orphans that are not deleted yet: it takes them over', async () => {
    const content = freshPhoto();
    const other = await announced(publish(content));
    const id = await announced(publish(content));
    await worker()(other);
    const erasure = createErasure({
      pool: database.work,
      audit: createAudit(database.work, () => now),
      messageIdsIn: () => Promise.resolve(undefined),
      now: () => now,
    });
    await interrupted(async () => {
      await erasure.media({ id: other, channel: 'z-api' }, { actor: 'test' });
    })(id);
    await discarding()([sha256(content)]);
    expect(await rowOf(id)).toMatchObject({ state: 'ready' });
    expect(await storedFiles()).toHaveLength(filesOfPhoto);
    expect(await blobsOf(content)).toEqual([{ sha256: sha256(content), orphaned_at: null }]);
  });

  test('its process may die: the stored bytes are deleted without another attempt, and stay with one', async () => {
    const lost = freshPhoto();
    const kept = freshPhoto();
    const lostId = await announced(publish(lost));
    const keptId = await announced(publish(kept));
    const dying = interrupted(() => Promise.reject(new Error('killed')));
    await dying(lostId);
    await dying(keptId);
    await erase(lostId);
    await worker()(keptId);
    const leftFor = (minutes: number): Promise<string[]> =>
      createOrphans(database.work).left(minutes * 60_000);
    await clone.query(
      `update blob set orphaned_at = now() - interval '9 minutes' where orphaned_at is not null`,
    );
    expect(await leftFor(10)).toEqual([]);
    await clone.query(`update blob set orphaned_at = orphaned_at - interval '2 minutes'`);
    expect(await leftFor(10)).toEqual([sha256(lost)]);
    await discarding()(await leftFor(10));
    expect(await blobsOf(lost)).toEqual([]);
    expect(await blobsOf(kept)).toEqual([{ sha256: sha256(kept), orphaned_at: null }]);
    expect((await storedFiles()).filter((file) => !file.includes(sha256(kept)))).toEqual([]);
  });
});
