import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from '@jest/globals';

import { watchMainThread } from '../../../src/infra/process/main-thread.js';
import { until } from '../../support/until.js';

test('the main thread counts as busy only while it is', async () => {
  const isIdle = watchMainThread();
  // What Jest itself does in the thread, or a long garbage collection, may keep it busy for a while.
  await until(isIdle);
  await delay(300);
  await until(isIdle);
  const end = performance.now() + 300;
  while (performance.now() < end);
  expect(isIdle()).toBe(false);
  await until(isIdle);
});
