/** What holds in whatever order tasks begin, end and fail: places are never exceeded, and everybody gets one. */
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

/** Runs the tasks by `enter`, each ending when the scheduler says so; answers the most that ran at once, in all and of a key. */
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

describe('whatever the order,', () => {
  test('a limit lets so many run and no more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anyTasks, anyPlaces, async (scheduler, tasks, places) => {
        const limit = createLimit(places);
        const { most, ended } = await runAll(scheduler, tasks, (_, task) => limit(task));
        expect({ most, ended }).toEqual({ most: Math.min(places, tasks.length), ended: tasks.length });
      }),
    );
  });

  test('a lock lets one run for each key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anyTasks, async (scheduler, tasks) => {
        const { mostOfKey, ended } = await runAll(scheduler, tasks, createKeyedLock());
        expect({ mostOfKey, ended }).toEqual({ mostOfKey: Math.min(1, tasks.length), ended: tasks.length });
      }),
    );
  });

  test('a gate keeps to the places in all and for each host, and sends nobody away before it is full', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        anyTasks,
        anyPlaces,
        anyPlaces,
        async (scheduler, tasks, total, perHost) => {
          const gate = createHostGate({ total, perSite: perHost, waiting: 25 });
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
