import { expect, test } from '@jest/globals';
import { pino } from 'pino';

import { createMaintain } from '../../src/pipeline/maintain.js';

test('temporary files are left alone for longer than any download lasts, and for ten minutes more', async () => {
  const asked: number[] = [];
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
    logger: pino({ level: 'info' }, { write: (line) => lines.push(line) }),
    downloadTimeoutMs: 30_000,
  });
  await maintain();
  expect(asked).toEqual([630_000]);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ requeued: 3, swept: 2 }]);
});
