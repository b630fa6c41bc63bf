import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import {
  keptState,
  readState,
  replaceState,
  StateFileError,
  type StateFile,
} from '../../../src/infra/files/state-file.js';
import { built, startScript } from '../../support/program.js';

let folder: string;
let file: StateFile;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-state-'));
  file = {
    path: join(folder, 'deep', 'secret'),
    isWhole: (content) => content.length === 8,
    remedy: 'put it back',
  };
});
afterEach(() => rm(folder, { recursive: true }));

const never = (): string => {
  throw new Error('made although it is there');
};

describe('a state file', () => {
  test('is made once, with the folders above it, for its owner only, and nothing else is left', () => {
    expect(keptState(file, () => 'eight ch')).toBe('eight ch');
    expect(keptState(file, never)).toBe('eight ch');
    expect(readFileSync(file.path, 'utf8')).toBe('eight ch');
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['secret']);
  });

  test('that is not there reads as undefined, and is not made by reading', () => {
    expect(readState(file)).toBeUndefined();
    expect(existsSync(join(folder, 'deep'))).toBe(false);
  });

  test('is replaced whole', () => {
    keptState(file, () => 'eight ch');
    replaceState(file.path, 'others 8');
    expect(readState(file)).toBe('others 8');
    expect(readdirSync(join(folder, 'deep'))).toEqual(['secret']);
  });

  test.each([
    ['empty', '', 'is empty'],
    ['blank', '\n', 'is empty'],
    ['cut off', 'eig', 'is not whole (3 characters)'],
  ])('that is %s is neither used nor made anew', (_, content, fault) => {
    keptState(file, () => 'eight ch');
    writeFileSync(file.path, content);
    const attempt = (): string => keptState(file, never);
    expect(attempt).toThrow(StateFileError);
    expect(attempt).toThrow(`${file.path} ${fault}: put it back`);
    expect(readFileSync(file.path, 'utf8')).toBe(content);
  });

  test('that another process has made and is about to fill is waited for', async () => {
    const filling = new Worker(
      `const { writeFileSync } = require('node:fs');
       const { workerData, parentPort } = require('node:worker_threads');
       writeFileSync(workerData, ''); parentPort.postMessage('made');
       setTimeout(() => writeFileSync(workerData, 'eight ch'), 200);`,
      { eval: true, workerData: join(folder, 'secret') },
    );
    await new Promise((made) => filling.once('message', made));
    expect(keptState({ ...file, path: join(folder, 'secret') }, never)).toBe('eight ch');
    await filling.terminate();
  });

  test('whose content does not become whole is not used, although it was just made', () => {
    expect(() => keptState(file, () => 'short')).toThrow('is not whole (5 characters)');
  });
});

test('processes that make it in the same moment all get the same whole content', async () => {
  const source = `
    import { setTimeout as delay } from 'node:timers/promises';
    import { keptState } from '${built('infra/files/state-file.js')}';
    const [, folder, name, start] = process.argv;
    await delay(Number(start) - Date.now());
    const got = [];
    for (let round = 0; round < 150; round++) {
      const file = { path: folder + '/' + round + '/secret', isWhole: (text) => text.length === 4096, remedy: '' };
      got.push(keptState(file, () => name.repeat(4096))[0]);
    }
    console.log(got.join(''));
  `;
  const start = String(Date.now() + 1_500);
  const programs = ['a', 'b', 'c', 'd'].map((name) => startScript(source, [folder, name, start]));
  expect(await Promise.all(programs.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
  const told = programs.map((program) => program.output().trim());
  expect(told[0]).toHaveLength(150);
  expect(new Set(told).size).toBe(1);
}, 30_000);
