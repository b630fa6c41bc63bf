import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import {
  readOrCreateState,
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
    isComplete: (content) => content.length === 8,
    remedy: 'put it back',
  };
});
afterEach(() => rm(folder, { recursive: true }));

const never = (): string => {
  throw new Error('made although it is there');
};

describe('a state file', () => {
  test('is created once, with its parent folders, for its owner only, and leaves nothing else', () => {
    expect(readOrCreateState(file, () => 'eight ch')).toBe('eight ch');
    expect(readOrCreateState(file, never)).toBe('eight ch');
    expect(readFileSync(file.path, 'utf8')).toBe('eight ch');
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['secret']);
  });

  test('that is missing reads as undefined, and reading does not create it', () => {
    expect(readState(file)).toBeUndefined();
    expect(existsSync(join(folder, 'deep'))).toBe(false);
  });

  test('is replaced completely', () => {
    readOrCreateState(file, () => 'eight ch');
    replaceState(file.path, 'others 8');
    expect(readState(file)).toBe('others 8');
    expect(readdirSync(join(folder, 'deep'))).toEqual(['secret']);
  });

  test.each([
    ['empty', '', 'is empty'],
    ['blank', '\n', 'is empty'],
    ['cut off', 'eig', 'is incomplete (3 characters)'],
  ])('that is %s is neither used nor created again', (_, content, fault) => {
    readOrCreateState(file, () => 'eight ch');
    writeFileSync(file.path, content);
    const attempt = (): string => readOrCreateState(file, never);
    expect(attempt).toThrow(StateFileError);
    expect(attempt).toThrow(`${file.path} ${fault}: put it back`);
    expect(readFileSync(file.path, 'utf8')).toBe(content);
  });

  test('that another process has created and is about to fill is awaited', async () => {
    const filling = new Worker(
      `const { writeFileSync } = require('node:fs');
       const { workerData, parentPort } = require('node:worker_threads');
       writeFileSync(workerData, ''); parentPort.postMessage('made');
       setTimeout(() => writeFileSync(workerData, 'eight ch'), 200);`,
      { eval: true, workerData: join(folder, 'secret') },
    );
    await new Promise((made) => filling.once('message', made));
    expect(readOrCreateState({ ...file, path: join(folder, 'secret') }, never)).toBe('eight ch');
    await filling.terminate();
  });

  test('whose content stays incomplete is not used, although it was just created', () => {
    expect(() => readOrCreateState(file, () => 'short')).toThrow('is incomplete (5 characters)');
  });
});

test('processes that create it at the same time all get the same complete content', async () => {
  const source = `
    import { setTimeout as delay } from 'node:timers/promises';
    import { readOrCreateState } from '${built('infra/files/state-file.js')}';
    const [, folder, name, start] = process.argv;
    await delay(Number(start) - Date.now());
    const got = [];
    for (let round = 0; round < 150; round++) {
      const file = { path: folder + '/' + round + '/secret', isComplete: (text) => text.length === 4096, remedy: '' };
      got.push(readOrCreateState(file, () => name.repeat(4096))[0]);
    }
    console.log(got.join(''));
  `;
  const start = String(Date.now() + 1_500);
  const programs = ['a', 'b', 'c', 'd'].map((name) => startScript(source, [folder, name, start]));
  expect(await Promise.all(programs.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
  const told = programs.map((program) => program.output().trim());
  expect(told[0]).toHaveLength(150);
  expect(new Set(told).size).toBe(1);
}, 90_000);
