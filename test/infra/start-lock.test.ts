import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { withStartLock } from '../../src/infra/start-lock.js';
import { built, startScript } from '../process/program.js';
import { recogniseNodeErrors } from './realm.js';
import { until } from '../support/until.js';

recogniseNodeErrors();

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-lock-'));
  lock = join(folder, 'start.lock');
});
afterEach(() => rm(folder, { recursive: true }));

/** Takes the lock and keeps it. */
const holding = `
  import { withStartLock } from '${built('infra/start-lock.js')}';
  await withStartLock(process.argv[1], () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000); }));
`;

test('the lock is gone after the task, also after one that fails', async () => {
  expect(await withStartLock(lock, () => Promise.resolve(existsSync(lock)))).toBe(true);
  expect(existsSync(lock)).toBe(false);
  await expect(withStartLock(lock, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await readdir(folder)).toEqual([]);
});

test('several processes at once go one after another', async () => {
  const source = `
    import { closeSync, openSync, rmSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    import { withStartLock } from '${built('infra/start-lock.js')}';
    const [, folder] = process.argv;
    for (let turn = 0; turn < 5; turn++)
      await withStartLock(folder + '/start.lock', async () => {
        closeSync(openSync(folder + '/inside', 'wx')); // Fails when somebody is inside.
        await delay(20);
        rmSync(folder + '/inside');
      });
  `;
  const programs = Array.from({ length: 4 }, () => startScript(source, [folder]));
  const ends = await Promise.all(programs.map(({ ended }) => ended));
  expect(programs.map((program) => program.output()).join('')).toBe('');
  expect(ends).toEqual([0, 0, 0, 0]);
  expect(await readdir(folder)).toEqual([]);
});

test('a lock is waited for as long as its holder lives, and cleared when the holder is killed', async () => {
  const holder = startScript(holding, [lock]);
  await holder.says(/held/);
  let taken = false;
  const waiting = withStartLock(lock, () => Promise.resolve((taken = true)));
  const since = Date.now();
  await until(() => Date.now() - since > 300);
  expect(taken).toBe(false);
  await holder.kill('SIGKILL');
  expect(existsSync(lock)).toBe(true);
  expect(await waiting).toBe(true);
});

test('a lock that was made this moment and holds nothing yet is not cleared', async () => {
  const holder = startScript(holding, [join(folder, 'other.lock')]);
  await holder.says(/held/);
  await writeFile(lock, '');
  let taken = false;
  const waiting = withStartLock(lock, () => Promise.resolve((taken = true)));
  const since = Date.now();
  await until(() => Date.now() - since > 200);
  expect(taken).toBe(false);
  await writeFile(lock, `${String(holder.pid)} ${String(Date.now())}`);
  await until(() => Date.now() - since > 400);
  expect(taken).toBe(false);
  await holder.kill('SIGKILL');
  expect(await waiting).toBe(true);
});

test.each([
  ['nothing', ''],
  ['nonsense', 'what?'],
])('an old lock that holds %s is cleared', async (_, content) => {
  await writeFile(lock, content);
  const old = new Date(Date.now() - 10_000);
  await utimes(lock, old, old);
  expect(await withStartLock(lock, () => Promise.resolve('done'))).toBe('done');
});

test('a lock of a process whose id lives on in somebody else is cleared after two minutes', async () => {
  const holder = startScript(holding, [join(folder, 'other.lock')]);
  await holder.says(/held/);
  await writeFile(lock, `${String(holder.pid)} ${String(Date.now() - 121_000)}`);
  expect(await withStartLock(lock, () => Promise.resolve('done'))).toBe('done');
  await holder.kill('SIGKILL');
});

test('a folder that is not there is an error, not a wait', async () => {
  await expect(withStartLock(join(folder, 'none', 'start.lock'), () => Promise.resolve())).rejects.toThrow(
    'ENOENT',
  );
});
