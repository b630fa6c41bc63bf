import { describe, expect, test } from '@jest/globals';

import { createKeyedLock, createLimit } from '../../src/pipeline/concurrency.js';
import { createSteps } from './media/steps.js';

describe('a limit', () => {
  test('lets no more run at once than it has places, and all of them in the end', async () => {
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

  test('hands places on in order, so that nobody overtakes those who wait', async () => {
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

  test('follows the number of its places, up and down', async () => {
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

  test('turns away who would be one too many to wait', async () => {
    const limit = createLimit(1, { most: 1 });
    const steps = createSteps();
    const all = ['a', 'b'].map((name) => limit(() => steps.run(name)));
    await expect(limit(() => steps.run('c'))).rejects.toMatchObject({ code: 'media.busy' });
    await steps.settle();
    steps.finish('a');
    await steps.settle();
    steps.finish('b');
    expect(await Promise.all(all)).toEqual(['a', 'b']);
  });

  test('has nobody wait after the last call; who has a place keeps it, and who finds one gets it', async () => {
    const lastCall = new AbortController();
    const limit = createLimit(1, { until: lastCall.signal });
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

  test('gives the place of a task that failed to the next', async () => {
    const limit = createLimit(1);
    const failing = Array.from({ length: 5 }, () => limit(() => Promise.reject(new Error('no'))));
    const settled = await Promise.allSettled(failing);
    expect(settled.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    expect(await limit(() => Promise.resolve('still open'))).toBe('still open');
  });
});

describe('a lock by key', () => {
  test('runs the tasks of one key one after another, and those of others meanwhile', async () => {
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

  test('goes on after a task that failed, whose error is its own', async () => {
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
