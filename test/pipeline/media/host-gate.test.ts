import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, test } from '@jest/globals';

import type { AppError } from '../../../src/domain/errors.js';
import {
  createHostGate,
  type HostGate,
  type DownloadRequest,
} from '../../../src/pipeline/media/host-gate.js';
import { createSteps } from './steps.js';

const names = (host: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${host}${String(index + 1)}`);

/** A download of its own person and channel, so that only the site limits it. */
function wantedOf(site: string, name: string): DownloadRequest {
  return { media: '', host: site, site, channel: name, people: [name], wasSlow: false };
}

function hangUntilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, fail) => {
    signal.addEventListener('abort', () => {
      fail(signal.reason as Error);
    });
  });
}

/** Runs these tasks for a site; the results arrive when they have ended. */
function send(gate: HostGate, site: string, tasks: readonly string[], steps = createSteps()) {
  return tasks.map((name) => gate.pass(wantedOf(site, name), () => steps.run(name)));
}

describe('no more downloads run at once', () => {
  test('for one host than its limit', async () => {
    const gate = createHostGate({ total: 10, maxPerSite: 2, maxWaiting: 10 });
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

  test('in total than the limit, for any hosts', async () => {
    const gate = createHostGate({ total: 3, maxPerSite: 2, maxWaiting: 10 });
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

  test('than allowed, in any order of starts, ends and failures', async () => {
    const gate = createHostGate({ total: 5, maxPerSite: 3, maxWaiting: 200 });
    const now = new Map<string, number>();
    let running = 0;
    let most = 0;
    let mostOfOne = 0;
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
      const host = 'ab'[index % 2] ?? 'a';
      return gate.pass(wantedOf(host, String(index)), work(host, index));
    });
    await Promise.allSettled(all);
    expect({ running, most, mostOfOne }).toEqual({ running: 0, most: 5, mostOfOne: 3 });
    expect(await gate.pass(wantedOf('a', 'last'), () => Promise.resolve('open'))).toEqual({ done: 'open' });
  });
});

describe('a hanging host', () => {
  test('delays only its own downloads', async () => {
    const gate = createHostGate({ total: 4, maxPerSite: 2, maxWaiting: 5 });
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
    expect(outcomes.filter((outcome) => 'retryInMs' in outcome)).toHaveLength(15);
  });

  test('postpones downloads without a place, spread over the time that it needs for them', async () => {
    const gate = createHostGate({ total: 4, maxPerSite: 2, maxWaiting: 1 });
    const steps = createSteps();
    const stay = send(gate, 'slow', names('slow', 3), steps);
    await steps.settle();
    const away = await Promise.all(send(gate, 'slow', names('away', 300), steps));
    const waits = away.map((outcome) => ('retryInMs' in outcome ? outcome.retryInMs : -1));
    expect(waits).toHaveLength(300);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(250);
    expect(Math.max(...waits)).toBe(30_000);
    expect(waits).toEqual(waits.toSorted((one, other) => one - other));
    // A download is assumed to take half a second before one has ended; two run at once.
    const first = waits[10] ?? 0;
    const last = waits[50] ?? 0;
    expect((last - first) / 40).toBeGreaterThan(200);
    expect((last - first) / 40).toBeLessThan(300);
    for (const name of names('slow', 3)) {
      steps.finish(name);
      await steps.settle();
    }
    expect(await Promise.all(stay)).toHaveLength(3);
  });

  test('postpones downloads only briefly when it has just recovered', async () => {
    const gate = createHostGate({ total: 20, maxPerSite: 16, maxWaiting: 2 });
    const steps = createSteps();
    const hanging = send(gate, 'slow', names('slow', 18), steps);
    await steps.settle();
    await delay(3_000);
    for (const name of names('slow', 16)) steps.finish(name);
    await steps.settle();
    const full = send(gate, 'slow', names('full', 16), steps);
    await steps.settle();
    const away = await Promise.all(send(gate, 'slow', names('away', 50), steps));
    const waits = away.map((outcome) => ('retryInMs' in outcome ? outcome.retryInMs : -1));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(250);
    expect(Math.max(...waits)).toBeLessThan(4_000); // Nine seconds if the whole hang were counted.
    for (const name of steps.running()) steps.finish(name);
    await steps.settle();
    for (const name of steps.running()) steps.finish(name);
    await Promise.all([...hanging, ...full]);
  });
});

describe('the place of a failed task', () => {
  test('goes to the next task of its host', async () => {
    const gate = createHostGate({ total: 4, maxPerSite: 1, maxWaiting: 10 });
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

  test('goes to another host if it is that one’s turn', async () => {
    const gate = createHostGate({ total: 1, maxPerSite: 1, maxWaiting: 10 });
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

describe('no one gets all places', () => {
  const slowWanted = (at: number): DownloadRequest => ({
    media: '',
    host: `site${String(at)}`,
    site: `site${String(at)}`,
    channel: 'crowded',
    people: ['greedy'],
    wasSlow: false,
  });

  test('not a person with any number of sites', async () => {
    const gate = createHostGate({ total: 8, maxPerSite: 4, maxWaiting: 4 });
    const steps = createSteps();
    const greedy = names('slow', 20).map((name, at) => gate.pass(slowWanted(at), () => steps.run(name)));
    await steps.settle();
    expect(steps.running()).toEqual(['slow1', 'slow2']);
    const other = gate.pass({ ...slowWanted(99), people: ['modest'] }, () => steps.run('other'));
    await steps.settle();
    expect(steps.running()).toContain('other');
    while (steps.running().length > 0) {
      for (const name of steps.running()) steps.finish(name);
      await steps.settle();
    }
    expect(await other).toEqual({ done: 'other' });
    expect((await Promise.all(greedy)).filter((one) => 'retryInMs' in one)).toHaveLength(14);
  });

  test('not a channel with any number of people', async () => {
    const gate = createHostGate({ total: 8, maxPerSite: 8, maxWaiting: 4 });
    const steps = createSteps();
    const all = names('slow', 20).map((name, at) =>
      gate.pass({ ...slowWanted(at), people: [name] }, () => steps.run(name)),
    );
    await steps.settle();
    expect(steps.running()).toHaveLength(6);
    const other = gate.pass({ ...slowWanted(1), channel: 'calm' }, () => steps.run('other'));
    await steps.settle();
    expect(steps.running()).toContain('other');
    while (steps.running().length > 0) {
      for (const name of steps.running()) steps.finish(name);
      await steps.settle();
    }
    await Promise.all([...all, other]);
  });

  test('and downloads from formerly slow hosts have a small share', async () => {
    const gate = createHostGate({ total: 16, maxPerSite: 16, maxWaiting: 20 });
    const steps = createSteps();
    const all = names('slow', 20).map((name) =>
      gate.pass({ ...wantedOf(name, name), wasSlow: true }, () => steps.run(name)),
    );
    await steps.settle();
    expect(steps.running()).toHaveLength(2);
    while (steps.running().length > 0) {
      for (const name of steps.running()) steps.finish(name);
      await steps.settle();
    }
    expect(await Promise.all(all)).toHaveLength(20);
  });

  test('a newcomer goes before people with running downloads', async () => {
    const gate = createHostGate({ total: 4, maxPerSite: 4, maxWaiting: 10 });
    const steps = createSteps();
    const person = (name: string): DownloadRequest => ({ ...wantedOf(name, name), channel: 'one' });
    const running = ['a', 'b', 'c'].map((name) => gate.pass(person(name), () => steps.run(name)));
    await steps.settle();
    const again = gate.pass(person('a'), () => steps.run('a again'));
    const newcomer = gate.pass(person('d'), () => steps.run('newcomer'));
    await steps.settle();
    steps.finish('c');
    await steps.settle();
    expect(steps.running()).toEqual(['a', 'b', 'newcomer']);
    for (const name of ['a', 'b', 'newcomer']) steps.finish(name);
    await steps.settle();
    steps.finish('a again');
    await Promise.all([...running, again, newcomer]);
  });

  test('the newest goes first, after downloads from a fast site', async () => {
    const gate = createHostGate({ total: 1, maxPerSite: 1, maxWaiting: 3 });
    await gate.pass(wantedOf('quick', 'quick'), () => Promise.resolve());
    const steps = createSteps();
    const ask = (site: string, media: string) =>
      gate.pass({ ...wantedOf(site, site), media }, () => steps.run(site));
    const all = [ask('first', '1')];
    await steps.settle();
    all.push(ask('quick', '2'), ask('old', '3'), ask('new', '5'), ask('newer', '6'));
    expect(await all[2]).toHaveProperty('retryInMs');
    const order: string[] = [];
    for (let ended = 0; ended < 4; ended++) {
      await steps.settle();
      order.push(...steps.running());
      for (const name of steps.running()) steps.finish(name);
    }
    await Promise.all(all);
    expect(order).toEqual(['first', 'quick', 'newer', 'new']);
  });

  test('an old download gets its turn although new ones exceed the capacity of its site', async () => {
    const gate = createHostGate({ total: 2, maxPerSite: 2, maxWaiting: 16 });
    const steps = createSteps();
    const ask = (media: string) =>
      gate.pass({ ...wantedOf('busy', media), media, people: [media] }, () => steps.run(media));
    const all = [ask('11'), ask('12')];
    await steps.settle();
    const old = ask('00');
    let next = 20;
    let ended = 0;
    for (; ended < 40 && !steps.running().includes('00'); ended++) {
      all.push(ask(String((next += 1))), ask(String((next += 1))));
      await steps.settle();
      const [first] = steps.running();
      steps.finish(first ?? '');
      await steps.settle();
    }
    expect(ended).toBeLessThan(9);
    while (steps.running().length > 0) {
      for (const name of steps.running()) steps.finish(name);
      await steps.settle();
    }
    expect(await old).toEqual({ done: '00' });
    await Promise.all(all);
  });

  test('long downloads leave the places for new ones, and are aborted when no place is left', async () => {
    const gate = createHostGate({ total: 4, maxPerSite: 4, maxWaiting: 4, longAfterMs: 50 });
    const aborted: string[] = [];
    const hang = (name: string): Promise<unknown> =>
      gate
        .pass({ ...wantedOf(name, name), channel: 'one' }, hangUntilAborted)
        .catch((error: unknown) => aborted.push(`${name} ${(error as AppError).code}`));
    const settled = async (wave: string): Promise<void> => {
      void names(wave, 3).map(hang);
      await delay(150);
    };
    await settled('a');
    await settled('b');
    expect(aborted).toEqual([]);
    await settled('c');
    expect(aborted).toHaveLength(3);
    expect(aborted.every((one) => one.endsWith('media.timeout'))).toBe(true);
    expect(await gate.pass(wantedOf('good', 'good'), () => Promise.resolve('there'))).toEqual({
      done: 'there',
    });
  });

  test('a hanging host makes room for another one of the same site and person', async () => {
    const gate = createHostGate({ total: 4, maxPerSite: 2, maxWaiting: 10, longAfterMs: 50 });
    const wanted = (host: string): DownloadRequest => ({ ...wantedOf('site', 'person'), host });
    const codes: unknown[] = [];
    for (let count = 0; count < 5; count++)
      void gate
        .pass(wanted('hanging'), hangUntilAborted)
        .catch((error: unknown) => codes.push((error as AppError).code));
    await delay(150);
    expect(await gate.pass(wanted('good'), () => Promise.resolve('there'))).toEqual({ done: 'there' });
    expect(codes).toEqual(['media.timeout']);
  });
});
