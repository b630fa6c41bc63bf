import type { IncomingMessage, ServerResponse } from 'node:http';

import { expect, test } from '@jest/globals';
import { pino } from 'pino';

import { createLoadLimits } from '../../../src/http/middleware/load-limits.js';

test('health checks begin at once, whatever else waits', () => {
  const begun: (string | undefined)[] = [];
  const front = createLoadLimits(pino({ level: 'silent' })).inFrontOf(({ url }) => begun.push(url));
  let refused = 0;
  const response = {
    socket: {},
    writeHead: () => ({
      end: () => {
        refused += 1;
      },
    }),
  } as unknown as ServerResponse;
  const ask = (url: string): void => {
    front({ url, headers: {}, socket: { destroyed: false } } as unknown as IncomingMessage, response);
  };
  for (let count = 0; count < 1_500; count++) ask('/v1/media');
  ask('/health/live');
  expect(begun).toEqual(['/v1/media', '/health/live']);
  expect(refused).toBeGreaterThan(0);
});
