/** A database that hangs delays one sender only, and by a short time. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { until } from '../support/until.js';
import { startSpoolingService, type SpoolingService } from './spooling.js';

let spooling: SpoolingService;
beforeEach(async () => {
  spooling = await startSpoolingService();
}, 180_000);
afterEach(() => spooling.remove());

test('a hanging database delays one sender by two seconds, and the next ones not at all', async () => {
  const { expectEachOnce, postgres, ready, send, sendAll, service } = spooling;
  await sendAll('before', 5);
  postgres.halt();
  const asked = performance.now();
  // They are in one batch or wait for it, so none is answered later than the others.
  await send('first');
  expect(performance.now() - asked).toBeGreaterThan(1_900);
  expect(performance.now() - asked).toBeLessThan(4_000);
  const since = performance.now();
  await sendAll('hanging', 40);
  expect(performance.now() - since).toBeLessThan(4_000);
  expect((await ready()).body.detail).toBe('database: away, spooling');
  postgres.resume();
  await until(async () => (await ready()).status === 200, 60_000);
  await sendAll('after', 5);
  await expectEachOnce();
  expect(await service().kill('SIGTERM')).toBe(0);
}, 270_000);
