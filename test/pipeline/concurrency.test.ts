import { describe, expect, test } from '@jest/globals';

import { createKeyedLock, createLimit } from '../../src/pipeline/concurrency.js';
import { createSteps } from './media/steps.js';

describe('a limit', () => {
  test('runs no more tasks at once than it has places, and finally all of them', async () => {
    const limit = createLimit(3);
    let running = 0;
    let most = 0;
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        limit(async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise(setImmediate);
          running -= 1;
          return index;
        }),
      ),
    );
    expect(most).toBe(3);
    expect(results).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('assigns places in order, so that new tasks do not overtake waiting ones', async () => {
    const limit = createLimit(1);
    const steps = createSteps();
    const all = ['a', 'b', 'c'].map((name) => limit(() => steps.run(name)));
    await steps.settle();
    expect(steps.running()).toEqual(['a']);
    steps.finish('a');
    const late = limit(() => steps.run('late'));
    await steps.settle();
    expect(steps.running()).toEqual(['b']);
    steps.finish('b');
    await steps.settle();
    expect(steps.running()).toEqual(['c']);
    steps.finish('c');
    await steps.settle();
    expect(steps.running()).toEqual(['late']);
    steps.finish('late');
    await Promise.all([...all, late]);
  });

  test('follows a changing number of places', async () => {
    let places = 1;
    const limit = createLimit(() => places);
    const steps = createSteps();
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => limit(() => steps.run(name)));
    await steps.settle();
    expect(steps.running()).toEqual(['a']);
    places = 3;
    steps.finish('a');
    await steps.settle();
    expect(steps.running()).toEqual(['b', 'c', 'd']);
    places = 2;
    steps.finish('b');
    await steps.settle();
    expect(steps.running()).toEqual(['c', 'd']);
    steps.finish('c');
    await steps.settle();
    expect(steps.running()).toEqual(['d', 'e']);
    steps.finish('d');
    steps.finish('e');
    await Promise.all(all);
  });

  test('rejects a task when the queue is full', async () => {
    const limit = createLimit(1, { maxQueued: 1 });
    const steps = createSteps();
    const all = ['a', 'b'].map((name) => limit(() => steps.run(name)));
    await expect(limit(() => steps.run('c'))).rejects.toMatchObject({ code: 'media.busy' });
    await steps.settle();
    steps.finish('a');
    await steps.settle();
    steps.finish('b');
    expect(await Promise.all(all)).toEqual(['a', 'b']);
  });

  test('lets no task wait after the stop signal; running tasks continue, and tasks still get free places', async () => {
    const lastCall = new AbortController();
    const limit = createLimit(1, { stopSignal: lastCall.signal });
    const steps = createSteps();
    const [running, waiting] = ['a', 'b'].map((name) => limit(() => steps.run(name)));
    lastCall.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'media.busy' });
    await expect(limit(() => steps.run('c'))).rejects.toMatchObject({ code: 'media.busy' });
    await steps.settle();
    expect(steps.running()).toEqual(['a']);
    steps.finish('a');
    expect(await running).toBe('a');
    const late = limit(() => steps.run('late'));
    await steps.settle();
    steps.finish('late');
    expect(await late).toBe('late');
  });

  test('passes the place of a failed task to the next one', async () => {
    const limit = createLimit(1);
    const failing = Array.from({ length: 5 }, () => limit(() => Promise.reject(new Error('no'))));
    const settled = await Promise.allSettled(failing);
    expect(settled.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    expect(await limit(() => Promise.resolve('still open'))).toBe('still open');
  });
});

describe('a lock by key', () => {
  test('runs the tasks of one key one after another, and tasks of other keys meanwhile', async () => {
    const lock = createKeyedLock();
    const steps = createSteps();
    const all = [
      lock('x', () => steps.run('x1')),
      lock('x', () => steps.run('x2')),
      lock('y', () => steps.run('y1')),
      lock('x', () => steps.run('x3')),
    ];
    await steps.settle();
    expect(steps.running()).toEqual(['x1', 'y1']);
    steps.finish('x1');
    await steps.settle();
    expect(steps.running()).toEqual(['y1', 'x2']);
    steps.finish('x2');
    steps.finish('y1');
    await steps.settle();
    expect(steps.running()).toEqual(['x3']);
    steps.finish('x3');
    expect(await Promise.all(all)).toEqual(['x1', 'x2', 'y1', 'x3']);
  });

  test('continues after a failed task, which keeps its error', async () => {
    const lock = createKeyedLock();
    const settled = await Promise.allSettled([
      lock('x', () => Promise.reject(new Error('first'))),
      lock('x', () => Promise.resolve('second')),
      lock('x', () => Promise.reject(new Error('third'))),
      lock('x', () => Promise.resolve('fourth')),
    ]);
    expect(settled).toMatchObject([
      { reason: { message: 'first' } },
      { value: 'second' },
      { reason: { message: 'third' } },
      { value: 'fourth' },
    ]);
  });
});
