import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, test } from '@jest/globals';

import { createHostGate, type HostGate } from '../../src/pipeline/host-gate.js';
import { createSteps } from './steps.js';

const names = (host: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${host}${String(index + 1)}`);

/** Sends these tasks to a host; the answers are for when they have ended. */
function send(gate: HostGate, host: string, tasks: readonly string[], steps = createSteps()) {
  return tasks.map((name) => gate.pass(host, () => steps.run(name)));
}

describe('no more run at once', () => {
  test('for one host than it may have', async () => {
    const gate = createHostGate({ total: 10, perHost: 2, waitingPerHost: 10 });
    const steps = createSteps();
    const all = send(gate, 'a', names('a', 5), steps);
    await steps.settle();
    expect(steps.running()).toEqual(['a1', 'a2']);
    steps.finish('a2');
    await steps.settle();
    expect(steps.running()).toEqual(['a1', 'a3']);
    for (const name of ['a1', 'a3']) steps.finish(name);
    await steps.settle();
    expect(steps.running()).toEqual(['a4', 'a5']);
    for (const name of ['a4', 'a5']) steps.finish(name);
    expect(await Promise.all(all)).toEqual(names('a', 5).map((done) => ({ done })));
  });

  test('in all than there may be, whichever hosts they are for', async () => {
    const gate = createHostGate({ total: 3, perHost: 2, waitingPerHost: 10 });
    const steps = createSteps();
    const hosts = ['a', 'b', 'c'];
    const all = hosts.flatMap((host) => send(gate, host, names(host, 2), steps));
    const seen: number[] = [];
    for (let ended = 0; ended < 6; ended++) {
      await steps.settle();
      seen.push(steps.running().length);
      steps.finish(steps.running()[0] ?? '');
    }
    await Promise.all(all);
    expect(seen).toEqual([3, 3, 3, 3, 2, 1]);
  });

  test('than are allowed, whatever the order of beginnings, ends and failures', async () => {
    const gate = createHostGate({ total: 5, perHost: 3, waitingPerHost: 100 });
    const now = new Map<string, number>();
    let [running, most, mostOfOne] = [0, 0, 0];
    const work = (host: string, index: number) => async (): Promise<void> => {
      running += 1;
      now.set(host, (now.get(host) ?? 0) + 1);
      most = Math.max(most, running);
      mostOfOne = Math.max(mostOfOne, now.get(host) ?? 0);
      for (let turn = 0; turn < index % 7; turn++) await new Promise(setImmediate);
      running -= 1;
      now.set(host, (now.get(host) ?? 0) - 1);
      if (index % 3 === 0) throw new Error('no');
    };
    const all = Array.from({ length: 200 }, (_, index) => {
      const host = 'abcd'[index % 4] ?? 'a';
      return gate.pass(host, work(host, index));
    });
    await Promise.allSettled(all);
    expect({ running, most, mostOfOne }).toEqual({ running: 0, most: 5, mostOfOne: 3 });
    expect(await gate.pass('a', () => Promise.resolve('open'))).toEqual({ done: 'open' });
  });
});

describe('a host that hangs', () => {
  test('keeps its own waiting, and nobody else', async () => {
    const gate = createHostGate({ total: 4, perHost: 2, waitingPerHost: 3 });
    const steps = createSteps();
    const slow = send(gate, 'slow', names('slow', 20), steps);
    await steps.settle();
    expect(steps.running()).toEqual(['slow1', 'slow2']);
    const others = send(gate, 'quick', names('quick', 4), steps);
    for (const name of names('quick', 4)) {
      await steps.settle();
      expect(steps.running()).toContain(name);
      steps.finish(name);
    }
    expect(await Promise.all(others)).toHaveLength(4);
    for (const name of names('slow', 5)) {
      await steps.settle();
      steps.finish(name);
    }
    const outcomes = await Promise.all(slow);
    expect(outcomes.filter((outcome) => 'done' in outcome)).toHaveLength(5);
    expect(outcomes.filter((outcome) => 'comeBackIn' in outcome)).toHaveLength(15);
  });

  test('sends away those for whom there is no room, spread over the time that it needs for them', async () => {
    const gate = createHostGate({ total: 4, perHost: 2, waitingPerHost: 1 });
    const steps = createSteps();
    const stay = send(gate, 'slow', names('slow', 3), steps);
    await steps.settle();
    const away = await Promise.all(send(gate, 'slow', names('away', 300), steps));
    const waits = away.map((outcome) => ('comeBackIn' in outcome ? outcome.comeBackIn : -1));
    expect(waits).toHaveLength(300);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(250);
    expect(Math.max(...waits)).toBe(30_000);
    expect(waits).toEqual(waits.toSorted((one, other) => one - other));
    // Half a second is what a download is taken to last before one has ended; two run at once.
    const [first = 0, last = 0] = [waits[10], waits[50]];
    expect((last - first) / 40).toBeGreaterThan(200);
    expect((last - first) / 40).toBeLessThan(300);
    for (const name of names('slow', 3)) {
      steps.finish(name);
      await steps.settle();
    }
    expect(await Promise.all(stay)).toHaveLength(3);
  });

  test('does not send away for long who asks for it when it has just woken up', async () => {
    const gate = createHostGate({ total: 20, perHost: 16, waitingPerHost: 2 });
    const steps = createSteps();
    const hanging = send(gate, 'slow', names('slow', 18), steps);
    await steps.settle();
    await delay(3_000);
    for (const name of names('slow', 16)) steps.finish(name);
    await steps.settle();
    const full = send(gate, 'slow', names('full', 16), steps);
    await steps.settle();
    const away = await Promise.all(send(gate, 'slow', names('away', 50), steps));
    const waits = away.map((outcome) => ('comeBackIn' in outcome ? outcome.comeBackIn : -1));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(250);
    expect(Math.max(...waits)).toBeLessThan(4_000); // It would be nine seconds if all of the hang counted.
    for (const name of steps.running()) steps.finish(name);
    await steps.settle();
    for (const name of steps.running()) steps.finish(name);
    await Promise.all([...hanging, ...full]);
  });
});

describe('the place of a task that failed', () => {
  test('goes to the next of its host', async () => {
    const gate = createHostGate({ total: 4, perHost: 1, waitingPerHost: 10 });
    const steps = createSteps();
    const [first, second] = send(gate, 'a', ['one', 'two'], steps);
    await steps.settle();
    steps.fail('one');
    await expect(first).rejects.toThrow('one failed');
    await steps.settle();
    expect(steps.running()).toEqual(['two']);
    steps.finish('two');
    expect(await second).toEqual({ done: 'two' });
  });

  test('goes to another host when that is whose turn it is', async () => {
    const gate = createHostGate({ total: 1, perHost: 1, waitingPerHost: 10 });
    const steps = createSteps();
    const [first] = send(gate, 'a', ['a1'], steps);
    const [second] = send(gate, 'b', ['b1'], steps);
    await steps.settle();
    expect(steps.running()).toEqual(['a1']);
    steps.fail('a1');
    await expect(first).rejects.toThrow('a1 failed');
    await steps.settle();
    expect(steps.running()).toEqual(['b1']);
    steps.finish('b1');
    await second;
  });
});
