import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { blobKey } from '../../../src/infra/files/blob-store.js';
import { createLocalBlobStore } from '../../../src/infra/files/local-blob-store.js';
import { createStaging, type Staging } from '../../../src/infra/files/staging.js';
import { stagedCopy } from '../../../src/pipeline/media/staged-copy.js';

const content = Buffer.from('a stored file');
const sha256 = createHash('sha256').update(content).digest('hex');
const missing = { sha256: 'f'.repeat(64), bytes: 3 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-copy-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function services(staging: Pick<Staging, 'receive'> = createStaging(join(folder, 'tmp'))) {
  const blobs = createLocalBlobStore(folder);
  await blobs.put(blobKey(sha256), { data: content });
  return { blobs, staging };
}

test('stored bytes are copied to a file of its own', async () => {
  const copy = await stagedCopy(await services(), { sha256, bytes: content.length });
  expect(copy).toMatchObject({ sha256, bytes: content.length });
  await copy.discard();
});

test('bytes with another digest leave no copy', async () => {
  const cut = stagedCopy(await services(), { sha256, bytes: content.length - 1 });
  await expect(cut).rejects.toMatchObject({ code: 'media.storage_failed' });
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
});

test('a missing file rejects, also if the staging folder responds late', async () => {
  const { staging } = await services();
  const slow: Pick<Staging, 'receive'> = {
    receive: async (chunks) => {
      await delay(50);
      return staging.receive(chunks);
    },
  };
  await expect(stagedCopy(await services(slow), missing)).rejects.toMatchObject({ code: 'ENOENT' });
});
