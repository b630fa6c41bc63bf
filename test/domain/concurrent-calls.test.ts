import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';

import { coalesced, createSequence, shareRun } from '../../src/domain/concurrent-calls.js';

describe('calls that are coalesced', () => {
  it('never get a result that is older than the call, and share the next run', async () => {
    let value = 0;
    let asked = 0;
    const ask = coalesced(async () => {
      asked += 1;
      const answer = value;
      await new Promise(setImmediate);
      return answer;
    });
    const first = ask();
    await Promise.resolve();
    value = 1;
    const later = Array.from({ length: 100 }, () => ask());
    expect(await first).toBe(0);
    expect(new Set(await Promise.all(later))).toEqual(new Set([1]));
    expect(asked).toBe(2);
  });

  it('run again after a failure', async () => {
    let asked = 0;
    const ask = coalesced(() => {
      asked += 1;
      return asked === 1 ? Promise.reject(new Error('away')) : Promise.resolve(asked);
    });
    await expect(ask()).rejects.toThrow('away');
    expect(await ask()).toBe(2);
  });
});

describe('calls that are coalesced, with a rest between the runs', () => {
  const restMs = 100;
  /** Runs that are counted, and the most of them at the same time. */
  const counted = (work: () => Promise<void>) => {
    const seen = { runs: 0, now: 0, most: 0 };
    const run = coalesced(async () => {
      seen.runs += 1;
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      await work().finally(() => (seen.now -= 1));
    }, restMs);
    return { seen, run };
  };

  it('share the run after the rest', async () => {
    const { seen, run } = counted(() => delay(5));
    await run();
    const ended = performance.now();
    await Promise.all(Array.from({ length: 100 }, () => run()));
    expect(seen).toEqual({ runs: 2, now: 0, most: 1 });
    expect(performance.now() - ended).toBeGreaterThan(restMs - 5);
  });

  it('never run beside each other, also if one comes at the very end of a run', async () => {
    const { seen, run } = counted(() => delay(5));
    const again = run().then(run);
    await Promise.all([again, run(), delay(2).then(run)]);
    expect(seen).toEqual({ runs: 2, now: 0, most: 1 });
  });

  it('rest after a failure, too, which is that of its callers only', async () => {
    let isBroken = true;
    const { seen, run } = counted(() => (isBroken ? Promise.reject(new Error('broken')) : delay(5)));
    const calls = await Promise.allSettled([run(), run()]);
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isBroken = false;
    await Promise.all([run(), run()]);
    expect(seen).toEqual({ runs: 2, now: 0, most: 1 });
  });
});

describe('calls that share a run', () => {
  it('get its result, and the next call begins another run', async () => {
    let runs = 0;
    const run = shareRun(async () => {
      runs += 1;
      await new Promise(setImmediate);
      return runs;
    });
    expect(await Promise.all([run(), run()])).toEqual([1, 1]);
    expect(await run()).toBe(2);
  });

  it('begin another run after a failure', async () => {
    let runs = 0;
    const run = shareRun(() => {
      runs += 1;
      return runs === 1 ? Promise.reject(new Error('away')) : Promise.resolve(runs);
    });
    await expect(run()).rejects.toThrow('away');
    expect(await run()).toBe(2);
  });
});

describe('a sequence', () => {
  it('runs one piece of work after another, also after a failure', async () => {
    const inTurn = createSequence();
    const order: string[] = [];
    const work =
      (name: string, fails = false) =>
      async (): Promise<string> => {
        order.push(`${name} begins`);
        await new Promise(setImmediate);
        order.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const first = inTurn(work('first', true));
    const second = inTurn(work('second'));
    await expect(first).rejects.toThrow('first');
    expect(await second).toBe('second');
    expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  });
});
