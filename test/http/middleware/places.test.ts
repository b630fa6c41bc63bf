import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, describe, expect, test } from '@jest/globals';

import { createPlaces, type Visit } from '../../../src/http/middleware/places.js';
import { until } from '../../support/until.js';

const limits = { working: 3, workingOfOne: 2, present: 6, presentOfOne: 4, waitMs: 60_000, slowMs: 30_000 };

const noVisit: Visit = {
  finished: () => {
    throw new Error('nobody has this name');
  },
  gone: () => undefined,
};

/** Those that still wait would keep the process of the suite alive. */
const open: Visit[] = [];
afterEach(() => {
  for (const visit of open.splice(0)) visit.gone();
});

/** Visits, and what became of each, in order. */
function stage(bounds = limits) {
  const places = createPlaces(bounds);
  const log: string[] = [];
  const visits = new Map<string, Visit>();
  const arrive = (caller: string, name: string): void => {
    const visit = places.visit(caller, {
      entered: () => log.push(`${name} entered`),
      refused: (by) => log.push(`${name} refused by ${by}`),
    });
    visits.set(name, visit);
    open.push(visit);
  };
  return { places, log, arrive, visit: (name: string) => visits.get(name) ?? noVisit };
}

describe('places', () => {
  test('are for so many of one caller, and those that wait enter in order', () => {
    const { arrive, log, visit } = stage();
    for (const name of ['a1', 'a2', 'a3', 'a4']) arrive('a', name);
    expect(log).toEqual(['a1 entered', 'a2 entered']);
    visit('a2').finished();
    visit('a1').finished();
    expect(log).toEqual(['a1 entered', 'a2 entered', 'a3 entered', 'a4 entered']);
  });

  test('are left for other callers, who take turns', () => {
    const { arrive, log, visit } = stage();
    for (const name of ['a1', 'a2', 'a3']) arrive('a', name);
    arrive('b', 'b1');
    arrive('b', 'b2');
    expect(log).toEqual(['a1 entered', 'a2 entered', 'b1 entered']);
    visit('b1').finished();
    visit('a1').finished();
    expect(log.slice(3)).toEqual(['b2 entered', 'a3 entered']);
  });

  test('are refused to a caller with too many, and to everybody when there are too many', () => {
    const { arrive, log, visit } = stage();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) arrive('a', name);
    expect(log).toContain('a5 refused by caller');
    for (const name of ['b1', 'b2', 'b3']) arrive('b', name);
    expect(log).toContain('b3 refused by everybody');
    // An answer that is still on its way counts.
    visit('a1').finished();
    arrive('a', 'a6');
    expect(log).toContain('a6 refused by caller');
    visit('a1').gone();
    arrive('a', 'a7');
    expect(log).not.toContain('a7 refused by caller');
  });

  test('are not given to a caller that has left while it waited', () => {
    const { arrive, log, visit } = stage();
    for (const name of ['a1', 'a2', 'a3', 'a4']) arrive('a', name);
    visit('a3').gone();
    visit('a1').gone();
    visit('a1').gone();
    expect(log).toEqual(['a1 entered', 'a2 entered', 'a4 entered']);
  });

  test('are not waited for longer than is allowed', async () => {
    const { arrive, log } = stage({ ...limits, waitMs: 5 });
    for (const name of ['a1', 'a2', 'a3']) arrive('a', name);
    await until(() => Promise.resolve(log.includes('a3 refused by caller')));
  });

  test('are refused because of the work when it is slow, however many requests a caller has', async () => {
    const { arrive, log } = stage({ ...limits, waitMs: 40, slowMs: 20 });
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) arrive('a', name);
    expect(log).toContain('a5 refused by caller');
    await delay(25);
    arrive('a', 'a6');
    expect(log).toContain('a6 refused by slowness');
    await until(() => log.includes('a3 refused by slowness'));
    await until(() => log.includes('a4 refused by slowness'));
  });

  test('are given to thousands that have ended when they begin', () => {
    const places = createPlaces({ ...limits, working: 1, present: 50_000, presentOfOne: 50_000 });
    const first = places.visit('a', { entered: () => undefined, refused: () => undefined });
    let ended = 0;
    for (let count = 0; count < 20_000; count++) {
      const visit = places.visit('a', {
        entered: () => {
          ended += 1;
          visit.gone();
        },
        refused: () => undefined,
      });
    }
    first.gone();
    expect(ended).toBe(20_000);
  });
});
