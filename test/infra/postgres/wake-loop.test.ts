import { describe, expect, test } from '@jest/globals';

import { createWakeLoop } from '../../../src/infra/postgres/wake-loop.js';
import { until } from '../../support/until.js';

/** A loop whose runs last until they are ended, with the pause that each of them asks for. */
function startLoop() {
  const runs: ((pauseMs?: number) => void)[] = [];
  const loop = createWakeLoop(() => new Promise((resolve) => runs.push(resolve)));
  const started = (count: number): Promise<boolean> => until(() => runs.length === count);
  return { ...loop, runs, started };
}

describe('a loop that is woken', () => {
  test('runs once, and again for all calls during the run together', async () => {
    const { wake, close, runs, started } = startLoop();
    wake();
    await started(1);
    wake();
    wake();
    runs[0]?.();
    await started(2);
    runs[1]?.();
    await close();
    expect(runs).toHaveLength(2);
  });

  test('runs again after the pause that a run asks for', async () => {
    const { wake, close, runs, started } = startLoop();
    wake();
    await started(1);
    runs[0]?.(1);
    await started(2);
    runs[1]?.();
    await close();
    expect(runs).toHaveLength(2);
  });

  test('is not deaf right after a run', async () => {
    let count = 0;
    const loop = createWakeLoop(() => {
      count += 1;
      return Promise.resolve(undefined);
    });
    for (let steps = 0; steps < 8; steps += 1) {
      loop.wake();
      // The loop ends after a few steps of promises; a call at any of them must not be lost.
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      const before = count;
      loop.wake();
      await until(() => count > before);
    }
    await loop.close();
  });

  test('waits for the current run when it is closed, and starts no other', async () => {
    const { wake, close, runs, started } = startLoop();
    wake();
    await started(1);
    wake();
    const closing = close();
    runs[0]?.(60_000);
    await closing;
    wake();
    expect(runs).toHaveLength(1);
  });
});
