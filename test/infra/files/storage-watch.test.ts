import { afterEach, expect, test } from '@jest/globals';

import { createStorageWatch, type StorageWatch } from '../../../src/infra/files/storage-watch.js';
import { StoreTrouble } from '../../../src/infra/files/store-trouble.js';
import { createLogger } from '../../../src/infra/logging/logger.js';
import { until } from '../../support/until.js';

let watch: StorageWatch;
afterEach(() => {
  watch.close();
});

test('says what is wrong, looks again by itself, and wakes up what waited when it is over', async () => {
  let trouble: Error | undefined = new StoreTrouble('NoSuchBucket', 'there is no bucket');
  let woken = 0;
  watch = createStorageWatch({
    tryOut: () => (trouble ? Promise.reject(trouble) : Promise.resolve()),
    recovered: () => {
      woken += 1;
      return Promise.resolve();
    },
    logger: createLogger('silent'),
  });
  let isUsable = false;
  void watch.usable().then(() => (isUsable = true));
  watch.start();
  expect(await watch.look()).toMatchObject({ reason: 'NoSuchBucket' });
  expect(watch.trouble()).toMatchObject({ reason: 'NoSuchBucket' });
  expect(isUsable).toBe(false);
  trouble = undefined;
  await until(() => isUsable, 10_000);
  expect(watch.trouble()).toBeUndefined();
  expect(woken).toBe(1);
});

test('is asked many times at once and tries it out once', async () => {
  let tries = 0;
  watch = createStorageWatch({
    tryOut: () => {
      tries += 1;
      return Promise.resolve();
    },
    recovered: () => Promise.resolve(),
    logger: createLogger('silent'),
  });
  await Promise.all(Array.from({ length: 50 }, () => watch.look()));
  expect(tries).toBe(1);
});
