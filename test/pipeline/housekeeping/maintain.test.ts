import { expect, test } from '@jest/globals';
import { pino } from 'pino';

import { createMaintain } from '../../../src/pipeline/housekeeping/maintain.js';

test('temporary files are kept for the longest download and ten minutes, unused stored files for ten minutes', async () => {
  const asked: number[] = [];
  const discarded: string[] = [];
  const lines: string[] = [];
  const maintain = createMaintain({
    sendQueue: { reconcile: () => Promise.resolve() },
    subscriptions: { reconcile: () => Promise.resolve() },
    table: { reconcile: () => Promise.resolve(3) },
    staging: {
      sweep: (olderThanMs) => {
        asked.push(olderThanMs);
        return Promise.resolve(2);
      },
    },
    orphans: {
      left: (forMs) => {
        asked.push(forMs);
        return Promise.resolve(['one', 'another']);
      },
    },
    discard: (sha256s) => {
      discarded.push(...sha256s);
      return Promise.resolve();
    },
    stats: { foldMost: () => Promise.resolve() },
    people: { foldMost: () => Promise.resolve() },
    endedAccess: { remove: () => Promise.resolve() },
    alerts: () => Promise.resolve(),
    readAgain: () => Promise.resolve(4),
    logger: pino({ level: 'info' }, { write: (line) => lines.push(line) }),
    downloadTimeoutMs: 30_000,
  });
  await maintain();
  expect(asked).toEqual([630_000, 600_000]);
  expect(discarded).toEqual(['one', 'another']);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { webhooks: 4 },
    { requeued: 3, swept: 2, orphaned: 2 },
  ]);
});
