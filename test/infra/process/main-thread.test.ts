import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from '@jest/globals';

import { watchMainThread } from '../../../src/infra/process/main-thread.js';

test('the main thread counts as busy only while it is', async () => {
  const isIdle = watchMainThread();
  expect(isIdle()).toBe(true);
  await delay(300);
  expect(isIdle()).toBe(true);
  const end = performance.now() + 300;
  while (performance.now() < end);
  expect(isIdle()).toBe(false);
  await delay(600);
  expect(isIdle()).toBe(true);
});
