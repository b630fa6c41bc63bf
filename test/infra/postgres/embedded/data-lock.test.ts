import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { replaceState } from '../../../../src/infra/files/state-file.js';
import {
  currentHolder,
  describeHolder,
  forgetHolder,
  tryDataLock,
} from '../../../../src/infra/postgres/embedded/data-lock.js';
import { sendSignal } from '../../../../src/infra/process/signals.js';
import { built, startScript } from '../../../support/program.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Takes the lock and keeps it. */
const holding = `
  import { tryDataLock } from '${built('infra/postgres/embedded/data-lock.js')}';
  const lock = await tryDataLock(process.argv[1]);
  console.log(lock ? 'held' : 'refused');
  setInterval(() => {}, 1000);
`;
/** Three starts at once, where the program `flock` is not found. */
const threeStarts = `
  import { tryDataLock } from '${built('infra/postgres/embedded/data-lock.js')}';
  process.env.PATH = '/nonexistent';
  const start = () => tryDataLock(process.argv[1], { silentMs: 500, noticeMs: 500 });
  const locks = await Promise.all([start(), start(), start()]);
  console.log('held by ' + locks.filter((lock) => lock).length);
`;
const times = { silentMs: 200, noticeMs: 100 };

test('the lock is had by one process at a time, until it lets go', async () => {
  const lock = await tryDataLock(folder);
  expect(lock).toBeDefined();
  expect(await tryDataLock(folder)).toBeUndefined();
  expect(describeHolder(folder)).toMatch(new RegExp(`^Inlet on the host ${hostname()} since 20`));
  lock?.release();
  const next = await tryDataLock(folder);
  expect(next).toBeDefined();
  next?.release();
});

test('it ends with its process, and of several that want it, one gets it', async () => {
  const holder = startScript(holding, [folder]);
  await holder.says(/held/);
  expect(await tryDataLock(folder)).toBeUndefined();
  await holder.kill('SIGKILL');
  const programs = Array.from({ length: 4 }, () => startScript(holding, [folder]));
  const said = await Promise.all(programs.map((program) => program.says(/held|refused/)));
  expect(said.map(([word]) => word).toSorted()).toEqual(['held', 'refused', 'refused', 'refused']);
  await Promise.all(programs.map((program) => program.kill('SIGKILL')));
});

test('it stays with a program that was handed it, although the process that took it is killed', async () => {
  const source = `
    import { spawn } from 'node:child_process';
    import { tryDataLock } from '${built('infra/postgres/embedded/data-lock.js')}';
    const { descriptor } = await tryDataLock(process.argv[1]);
    const { pid } = spawn('sleep', ['100'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', descriptor] });
    console.log('handed to ' + pid + '.');
    setInterval(() => {}, 1000);
  `;
  const program = startScript(source, [folder]);
  const [, pid] = await program.says(/handed to (\d+)\./);
  await program.kill('SIGKILL');
  expect(await tryDataLock(folder)).toBeUndefined();
  sendSignal(Number(pid), 'SIGKILL');
  let lock = await tryDataLock(folder);
  while (!lock) lock = await tryDataLock(folder);
  lock.release();
});

describe('a holder on another host, which the lock of this kernel does not tell of,', () => {
  const other = { id: 'other', host: 'host-b', since: '2026-11-29T00:00:00.000Z', kernel: 'another' };
  const write = (beat: number): void => {
    replaceState(join(folder, 'holder'), JSON.stringify({ ...other, locked: true, shared: true, beat }));
  };

  test('keeps the data as long as it gives signs of life', async () => {
    let beat = 0;
    write(beat);
    const alive = setInterval(() => {
      write(++beat);
    }, 20);
    expect(await tryDataLock(folder, { silentMs: 2_000, noticeMs: 100 })).toBeUndefined();
    clearInterval(alive);
    expect(describeHolder(folder)).toBe('Inlet on the host host-b since 2026-11-29T00:00:00.000Z');
  });

  test('is taken for dead when it gives none, once its server has had the time to end itself', async () => {
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data', 'postmaster.pid'), '1\n');
    write(0);
    const since = performance.now();
    const lock = await tryDataLock(folder, times);
    expect(lock).toBeDefined();
    expect(performance.now() - since).toBeGreaterThanOrEqual(295);
    expect(existsSync(join(folder, 'data', 'postmaster.pid'))).toBe(false);
    expect(JSON.parse(await readFile(join(folder, 'holder'), 'utf8'))).toMatchObject({ host: hostname() });
    lock?.release();
  });

  test('is followed by one start only, when several find it silent', async () => {
    write(0);
    await startScript(threeStarts, [folder]).says(/held by 1/);
  });

  test('that has ended is not waited for', async () => {
    write(0);
    forgetHolder(folder, 'an earlier one');
    expect(currentHolder(folder)).toBe('other');
    forgetHolder(folder, 'other');
    const lock = await tryDataLock(folder);
    expect(lock).toBeDefined();
    lock?.release();
  });
});

test('what is written about the holder and cannot be read is not taken for nothing', async () => {
  await writeFile(join(folder, 'holder'), '{"id":');
  await expect(tryDataLock(folder)).rejects.toThrow(`${join(folder, 'holder')} is incomplete`);
  // The lock was let go, or it could not be had after the file was removed.
  await rm(join(folder, 'holder'));
  const lock = await tryDataLock(folder);
  expect(lock).toBeDefined();
  lock?.release();
});
