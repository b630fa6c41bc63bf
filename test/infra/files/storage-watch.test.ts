import { afterEach, expect, test } from '@jest/globals';

import { createStorageWatch, type StorageWatch } from '../../../src/infra/files/storage-watch.js';
import { StorageProblem } from '../../../src/infra/files/storage-problem.js';
import { createLogger } from '../../../src/infra/logging/logger.js';
import { until } from '../../support/until.js';

let watch: StorageWatch;
afterEach(() => {
  watch.close();
});

test('reports a problem, checks again by itself, and resumes waiting jobs when it is over', async () => {
  let trouble: Error | undefined = new StorageProblem('NoSuchBucket', 'there is no bucket');
  let woken = 0;
  watch = createStorageWatch({
    probe: () => (trouble ? Promise.reject(trouble) : Promise.resolve()),
    onRecovery: () => {
      woken += 1;
      return Promise.resolve();
    },
    logger: createLogger('silent'),
  });
  let isUsable = false;
  void watch.whenWritable().then(() => (isUsable = true));
  watch.start();
  expect(await watch.check()).toMatchObject({ reason: 'NoSuchBucket' });
  expect(watch.problem()).toMatchObject({ reason: 'NoSuchBucket' });
  expect(isUsable).toBe(false);
  trouble = undefined;
  await until(() => isUsable, 30_000);
  expect(watch.problem()).toBeUndefined();
  expect(woken).toBe(1);
});

test('shares one check among many callers', async () => {
  let tries = 0;
  watch = createStorageWatch({
    probe: () => {
      tries += 1;
      return Promise.resolve();
    },
    onRecovery: () => Promise.resolve(),
    logger: createLogger('silent'),
  });
  await Promise.all(Array.from({ length: 50 }, () => watch.check()));
  expect(tries).toBe(1);
});
