import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from '@jest/globals';

import { oneAtATime } from '../../src/gallery/one-at-a-time.js';

/** A task that counts its runs, and how many of them there were at the same time. */
function counted(work: () => Promise<void>) {
  const seen = { runs: 0, now: 0, most: 0 };
  const run = oneAtATime(async () => {
    seen.runs += 1;
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    try {
      await work();
    } finally {
      seen.now -= 1;
    }
  });
  return { seen, run };
}

test('many calls lead to two runs, of which the second begins after the last call', async () => {
  const { seen, run } = counted(() => delay(20));
  await Promise.all(Array.from({ length: 100 }, run));
  expect(seen).toEqual({ runs: 2, now: 0, most: 1 });
});

test('a call at the very end of a run does not run beside the one that is waiting', async () => {
  const { seen, run } = counted(() => delay(20));
  const again = run().then(run);
  await Promise.all([again, run(), run()]);
  expect(seen).toEqual({ runs: 2, now: 0, most: 1 });
});

test('a failure rejects for those who called, and the next call runs again', async () => {
  let isBroken = true;
  const { seen, run } = counted(async () => {
    await delay(5);
    if (isBroken) throw new Error('broken');
  });
  const calls = await Promise.allSettled([run(), run(), run()]);
  expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  isBroken = false;
  await run();
  expect(seen).toEqual({ runs: 3, now: 0, most: 1 });
});
