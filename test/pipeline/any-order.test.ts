/**
 * Properties of any order in which tasks start, end and fail: the limit is never exceeded, and every task
 * gets a place.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createKeyedLock, createLimit } from '../../src/pipeline/concurrency.js';
import { createHostGate } from '../../src/pipeline/media/host-gate.js';

const anyTasks = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }), {
  maxLength: 25,
});
const anyPlaces = fc.integer({ min: 1, max: 4 });
interface Task {
  readonly key: string;
  readonly fails: boolean;
}

/**
 * Runs the tasks through `enter`, each ending when the scheduler says so; returns the largest number that ran
 * at once, in total and per key.
 */
async function runAll(
  scheduler: fc.Scheduler,
  tasks: readonly Task[],
  enter: (key: string, task: () => Promise<void>) => Promise<unknown>,
): Promise<{ most: number; mostOfKey: number; ended: number }> {
  const running: string[] = [];
  let most = 0;
  let mostOfKey = 0;
  let ended = 0;
  const all = tasks.map(({ key, fails }) =>
    enter(key, async () => {
      running.push(key);
      most = Math.max(most, running.length);
      mostOfKey = Math.max(mostOfKey, running.filter((one) => one === key).length);
      await scheduler.schedule(Promise.resolve());
      running.splice(running.indexOf(key), 1);
      ended += 1;
      if (fails) throw new Error('no');
    }),
  );
  await scheduler.waitFor(Promise.allSettled(all));
  return { most, mostOfKey, ended };
}

describe('in any order,', () => {
  test('a limit never runs more tasks than it has places', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anyTasks, anyPlaces, async (scheduler, tasks, places) => {
        const limit = createLimit(places);
        const { most, ended } = await runAll(scheduler, tasks, (_, task) => limit(task));
        expect({ most, ended }).toEqual({ most: Math.min(places, tasks.length), ended: tasks.length });
      }),
    );
  });

  test('a lock runs one task for each key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anyTasks, async (scheduler, tasks) => {
        const { mostOfKey, ended } = await runAll(scheduler, tasks, createKeyedLock());
        expect({ mostOfKey, ended }).toEqual({ mostOfKey: Math.min(1, tasks.length), ended: tasks.length });
      }),
    );
  });

  test('a gate respects the total and the limit of each host, and postpones no download before it is full', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        anyTasks,
        anyPlaces,
        anyPlaces,
        async (scheduler, tasks, total, perHost) => {
          const gate = createHostGate({ total, maxPerSite: perHost, maxWaiting: 25 });
          const { most, mostOfKey, ended } = await runAll(scheduler, tasks, (site, task) =>
            gate.pass({ media: '', host: site, site, channel: '', people: [], wasSlow: false }, task),
          );
          expect(most <= total && mostOfKey <= perHost).toBe(true);
          expect(ended).toBe(tasks.length);
        },
      ),
    );
  });
});
