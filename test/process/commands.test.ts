/** Commands start nothing if their arguments are invalid, because some of them take long. */
import { mkdtemp, rm, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { startCompiled } from '../support/program.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-commands-'));
});
afterAll(() => rm(cwd, { recursive: true }));

test.each([
  ['demo', ['once']],
  ['bench', ['ack', 'speed']],
  ['prove', ['--shortly']],
  ['prove', ['--seed=abc']],
  ['prove', ['--seed=']],
  ['prove', ['doors', 'windows']],
])('npm run %s -- %j explains itself', async (command, args) => {
  const program = startCompiled(`${command}/main.js`, args, { cwd });
  expect(await program.ended).toBe(64);
  expect(program.output()).toContain(`\nusage: npm run ${command} -- [`);
  expect(program.output().trim().split('\n')).toHaveLength(2);
  expect(await readdir(cwd)).toEqual([]);
});

test.each(['demo', 'bench', 'prove'])('npm run %s -- --help lists what there is', async (command) => {
  const program = startCompiled(`${command}/main.js`, ['--help'], { cwd });
  expect(await program.ended).toBe(0);
  expect(program.output()).toMatch(new RegExp(`^usage: npm run ${command} -- \\[.*\\n\\n[A-Z].*\\.\\n`));
  expect(await readdir(cwd)).toEqual([]);
});
