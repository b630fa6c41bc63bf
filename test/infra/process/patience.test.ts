import { expect, test } from '@jest/globals';
import { pino } from 'pino';

import { startPatience } from '../../../src/infra/process/patience.js';

const never = new Promise<void>(() => undefined);

function start(withinMs: number) {
  const lines: string[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) });
  return { patience: startPatience(withinMs, logger), logged: () => lines.join('') };
}

test('what ends is waited for, and nothing is said', async () => {
  const { patience, logged } = start(60_000);
  let ended = false;
  const ending = new Promise<void>((done) => setTimeout(done, 20)).then(() => {
    ended = true;
  });
  await patience.waitFor('it', ending);
  expect(ended).toBe(true);
  expect(logged()).toBe('');
});

test('what does not end is given up by name; the time is shared by all', async () => {
  const { patience, logged } = start(200);
  const began = performance.now();
  await patience.waitFor('the first', never);
  await Promise.all([patience.waitFor('the second', never), patience.waitFor('the third', never)]);
  expect(performance.now() - began).toBeGreaterThan(190);
  for (const what of ['the first', 'the second', 'the third'])
    expect(logged()).toContain(`"what":"${what}","msg":"did not end in time, and is given up"`);
});

test('what fails has ended too', async () => {
  const { patience, logged } = start(60_000);
  await expect(patience.waitFor('it', Promise.reject(new Error('broken')))).resolves.toBeUndefined();
  expect(logged()).toMatch(/"what":"it".*"msg":"did not end well"/);
});
