/** Doubles of the service that break a guarantee under load. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { standBetween, type Between } from '../proxy.js';
import type { WireRequest } from '../wire.js';

interface WeakService {
  readonly title: string;
  readonly caughtBy: RegExp;
  /** Runs in front of the service at `port`. */
  readonly spoil: (port: number) => Promise<Between>;
}

/** One webhook in this many is treated badly. */
const one = 1_000;
const everyMs = 1_000;
const stallMs = 200;

export const stalling: WeakService = {
  title: 'all responses stall for 200 ms of each second',
  caughtBy: /^99 in 100 answers took up to \d{3,} ms/,
  spoil: (port) =>
    standBetween(port, {
      answer: async (answer) => {
        await delay(Math.max(0, stallMs - (Date.now() % everyMs)));
        return answer;
      },
    }),
};

export const refusing: WeakService = {
  title: 'one webhook in a thousand is refused',
  caughtBy: /^\d+ were not taken/,
  spoil: (port) => {
    const isChosen = oneOf();
    return standBetween(port, {
      answer: (answer) => (isChosen() ? { status: 503, text: '{}' } : answer),
    });
  },
};

export const forgetful: WeakService = {
  title: 'one webhook in a thousand is acknowledged and dropped',
  caughtBy: /^\d+ were acknowledged and not kept/,
  spoil: (port) => {
    const isChosen = oneOf();
    const dropped = new WeakSet<WireRequest>();
    return standBetween(port, {
      request: (request) => {
        if (!isChosen()) return request;
        dropped.add(request);
        return { ...request, method: 'GET', path: '/health/live', body: '' };
      },
      answer: (answer, request) =>
        dropped.has(request)
          ? { status: 200, text: JSON.stringify({ delivery: randomUUID(), outcome: 'ignored', media: [] }) }
          : answer,
    });
  },
};

/** Acknowledges one in this many without storing it. */
function oneOf(): () => boolean {
  let count = 0;
  return () => {
    count += 1;
    return count % one === one / 2;
  };
}
