/** Previews of files that were stored while no decoder was free. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';

import { photo } from '../../../src/demo/photos.js';
import { AppError } from '../../../src/domain/errors.js';
import { newId } from '../../../src/domain/id.js';
import type { HeldBlob } from '../../../src/domain/media.js';
import { blobKey } from '../../../src/infra/files/blob-store.js';
import { createLocalBlobStore } from '../../../src/infra/files/local-blob-store.js';
import { createStaging } from '../../../src/infra/files/staging.js';
import { createImageDecoder } from '../../../src/infra/pictures/decoder.js';
import { createHeicDecoder } from '../../../src/infra/pictures/heic.js';
import { readMetadata } from '../../../src/infra/pictures/metadata/read-metadata.js';
import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { createOrphans } from '../../../src/infra/tables/media/blobs.js';
import { createMediaTable, type MediaTable } from '../../../src/infra/tables/media/media.js';
import { createDiscard } from '../../../src/pipeline/media/discard.js';
import { createLatePreviews, type LatePreviews } from '../../../src/pipeline/media/late-previews.js';
import { createMakePreviews } from '../../../src/pipeline/media/previews.js';
import { createStore, type Store } from '../../../src/pipeline/media/store.js';
import { chunked } from '../../../src/pipeline/send/convert.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';

let clone: TestDatabase;
let database: Database;
let table: MediaTable;
let folder: string;
let store: Store;
let previewLate: LatePreviews;
let isBusy: boolean;
let seed = 0;

beforeAll(async () => {
  clone = await cloneDatabase();
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }));
  table = createMediaTable(database.workByKey);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-late-'));
  isBusy = true;
  await clone.query('delete from graphile_worker._private_jobs');
  const images = createImageDecoder({ maxPixels: 1_000_000 });
  const blobs = createLocalBlobStore(folder);
  const makePreviews = createMakePreviews({
    images: {
      preview: (input, options) =>
        isBusy
          ? Promise.reject(new AppError('media.busy', 'no decoder has time'))
          : images.preview(input, options),
    },
    isolated: { preview: () => Promise.reject(new Error('not expected')) },
    decodeHeic: createHeicDecoder({ maxPixels: 1_000_000 }),
    grabFrame: () => Promise.resolve('out of time'),
    decoders: 1,
  });
  store = createStore({ blobs, makePreviews, readMetadata, table, now: () => new Date() });
  const discard = createDiscard({ orphans: createOrphans(database.work), blobs });
  previewLate = createLatePreviews({ table, blobs, staging: staging(), store, discard });
});
afterEach(async () => {
  expect(await readdir(join(folder, 'tmp')).catch(() => [])).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await database.close();
  await clone.drop();
});

const staging = () => createStaging(join(folder, 'tmp'));

/** Stored by a separate media item. */
async function keep(content: Buffer): Promise<HeldBlob> {
  const blob = await store(await staging().receive(chunked(content)), { kind: 'image' });
  const media = { id: newId(), channel: 'z-api', provider: 'z-api', kind: 'image', filename: null } as const;
  expect(await table.addUpload(media, blob, new Date())).toBe(true);
  return blob;
}

/** The waiting jobs: their number of attempts and the milliseconds until they run. */
const jobs = () =>
  clone.query<{ tries: number; ms: number }>(
    `select (payload ->> 'tries')::int as tries, round(extract(epoch from run_at - updated_at) * 1000)::int as ms
     from graphile_worker._private_jobs as job join graphile_worker._private_tasks as task on task.id = job.task_id
     where task.identifier = 'preview'`,
  );

const known = async (sha256: string) => {
  const blob = await table.findBlob(sha256);
  return blob && [blob.previews.length, blob.warnings.map(({ code }) => code)];
};

test('a file for which no decoder was free has a warning, and gets its previews later', async () => {
  const { sha256 } = await keep(await photo({ seed: seed++, width: 64, height: 48 }));
  expect(await known(sha256)).toEqual([0, ['media.not_previewed']]);
  expect(await jobs()).toEqual([{ tries: 1, ms: 60_000 }]);
  await previewLate(sha256, 1);
  expect(await known(sha256)).toEqual([0, ['media.not_previewed']]);
  expect(await jobs()).toEqual([{ tries: 2, ms: 120_000 }]);
  isBusy = false;
  await previewLate(sha256, 2);
  expect(await known(sha256)).toEqual([2, []]);
  // The picture itself is the large one.
  expect(await readdir(join(folder, 'previews', sha256.slice(0, 2)))).toHaveLength(1);
});

test('the same bytes are previewed at once when they arrive again', async () => {
  const content = await photo({ seed: seed++, width: 64, height: 48 });
  const { sha256 } = await keep(content);
  isBusy = false;
  await keep(content);
  expect(await known(sha256)).toEqual([2, []]);
});

test('a video whose first frame was not found in time gets its previews later, too', async () => {
  const ftyp = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom\0\0\0\0isommp42')]);
  const { sha256 } = await keep(ftyp);
  expect(await known(sha256)).toEqual([0, ['media.not_previewed']]);
  expect(await jobs()).toHaveLength(1);
});

test('the attempts end', async () => {
  const { sha256 } = await keep(await photo({ seed: seed++, width: 64, height: 48 }));
  await clone.query('delete from graphile_worker._private_jobs');
  await previewLate(sha256, 10);
  expect(await jobs()).toEqual([]);
  expect(await known(sha256)).toEqual([0, ['media.not_previewed']]);
});

test('missing blobs are ignored, and unused ones are not stored', async () => {
  await previewLate(createHash('sha256').update(newId()).digest('hex'), 1);
  const content = await photo({ seed: seed++, width: 64, height: 48 });
  const { sha256 } = await store(await staging().receive(chunked(content)), { kind: 'image' });
  isBusy = false;
  await previewLate(sha256, 1);
  expect(await known(sha256)).toBeUndefined();
});

test('bytes that have changed in the store are not used', async () => {
  const { sha256 } = await keep(await photo({ seed: seed++, width: 64, height: 48 }));
  await writeFile(join(folder, blobKey(sha256)), await photo({ seed: seed++, width: 64, height: 48 }));
  isBusy = false;
  await expect(previewLate(sha256, 1)).rejects.toThrow();
  expect(await known(sha256)).toEqual([0, ['media.not_previewed']]);
});
