import { expect, test } from '@jest/globals';
import { pino } from 'pino';

import { startShutdownBudget } from '../../../src/infra/process/shutdown-budget.js';

const never = new Promise<void>(() => undefined);

function start(withinMs: number) {
  const lines: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) });
  return { budget: startShutdownBudget(withinMs, logger), logged: () => lines.join('') };
}

test('a step that ends is awaited, and nothing is logged', async () => {
  const { budget, logged } = start(60_000);
  let ended = false;
  const ending = new Promise<void>((done) => setTimeout(done, 20)).then(() => {
    ended = true;
  });
  await budget.waitFor('it', ending);
  expect(ended).toBe(true);
  expect(logged()).toBe('');
});

test('a step that does not end is abandoned by name; all steps share the time', async () => {
  const { budget, logged } = start(200);
  const began = performance.now();
  await budget.waitFor('the first', never);
  await Promise.all([budget.waitFor('the second', never), budget.waitFor('the third', never)]);
  expect(performance.now() - began).toBeGreaterThan(190);
  for (const what of ['the first', 'the second', 'the third'])
    expect(logged()).toContain(`"what":"${what}","msg":"did not stop in time and was abandoned"`);
});

test('a step that fails has ended, too', async () => {
  const { budget, logged } = start(60_000);
  await expect(budget.waitFor('it', Promise.reject(new Error('broken')))).resolves.toBeUndefined();
  expect(logged()).toMatch(/"what":"it".*"msg":"failed to stop"/);
});
