import { execFile, fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { photo } from '../../../src/demo/photos.js';
import { createImageDecoder } from '../../../src/infra/pictures/decoder.js';
import { createIsolatedDecoder, type IsolatedDecoder } from '../../../src/infra/pictures/isolated-decoder.js';
import { sendSignal } from '../../../src/infra/process/signals.js';
import { until } from '../../support/until.js';

const maxPixels = 1_000_000;
let folder: string;
let path: string;
let picture: Buffer;
let decoder: IsolatedDecoder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-isolated-'));
  picture = await photo({ seed: 1, width: 640, height: 480 });
  path = join(folder, 'photo.jpg');
  await writeFile(path, picture);
});
beforeEach(() => {
  decoder = createIsolatedDecoder({ maxPixels, idleMs: 60_000 });
});
afterEach(async () => {
  decoder.close();
  await until(() => childrenOf(process.pid).length === 0, 30_000);
});
afterAll(() => rm(folder, { recursive: true }));

/** Decoders that a process has started and that are still running. */
function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${String(pid)}/task`);
  const listed = threads.map((thread) => readIfThere(`/proc/${String(pid)}/task/${thread}/children`));
  const children = listed.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  return children.filter((child) => commandOf(child).includes('isolated-decoder-process'));
}

const commandOf = (pid: number): string => readIfThere(`/proc/${String(pid)}/cmdline`);

/** Empty if the process or the thread has just ended. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The process that comes after these. */
async function nextChild(pid: number, before: readonly number[] = []): Promise<number> {
  return until(() => childrenOf(pid).find((child) => !before.includes(child)), 30_000);
}

const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'decoded',
    (error: unknown) => (error as { code?: string }).code,
  );

test('previews from the isolated process are the same', async () => {
  const images = createImageDecoder({ maxPixels });
  const ofFile = await images.preview(path, { isStoredFile: true });
  expect(await decoder.preview(path)).toEqual({ pictures: ofFile, warnings: [] });
  expect(await decoder.preview(picture)).toEqual({ pictures: await images.preview(picture), warnings: [] });
});

test('a picture beyond the memory limit of the service is decoded, and one beyond that of the process is not', async () => {
  const large = await sharp({ create: { width: 3_000, height: 3_000, channels: 3, background: '#345' } })
    .avif({ effort: 0 })
    .toBuffer();
  expect(await outcome(createImageDecoder({ maxPixels: 10_000_000 }).preview(large))).toBe(
    'media.too_many_pixels',
  );
  const roomy = createIsolatedDecoder({ maxPixels: 10_000_000 });
  expect(await roomy.preview(large)).toMatchObject({
    pictures: { width: 3_000, height: 3_000 },
    warnings: [],
  });
  roomy.close();
  const narrow = createIsolatedDecoder({ maxPixels: 10_000_000, maxMemoryBytes: 150_000_000 });
  expect(['media.crashed', 'media.undecodable']).toContain(await outcome(narrow.preview(large)));
  narrow.close();
});

test('errors are reported as usual, and the next picture is decoded', async () => {
  const strict = createIsolatedDecoder({ maxPixels: 100 });
  expect(await outcome(strict.preview(path))).toBe('media.too_many_pixels');
  strict.close();
  expect(await outcome(decoder.preview(picture.subarray(0, 200)))).toBe('media.undecodable');
  expect(await outcome(decoder.preview(join(folder, 'nothing')))).toBe('media.storage_failed');
  expect(await outcome(decoder.preview(path))).toBe('decoded');
});

test('one process decodes several pictures, and ends when no more arrive', async () => {
  const brief = createIsolatedDecoder({ maxPixels, idleMs: 300 });
  await brief.preview(path);
  const [first] = childrenOf(process.pid);
  await brief.preview(path);
  expect(childrenOf(process.pid)).toEqual([first]);
  await until(() => childrenOf(process.pid).length === 0, 30_000);
  expect(await outcome(brief.preview(path))).toBe('decoded');
  brief.close();
});

test('several at once get a process each', async () => {
  const all = await Promise.all([1, 2, 3].map(() => outcome(decoder.preview(path))));
  expect(all).toEqual(['decoded', 'decoded', 'decoded']);
  await until(() => childrenOf(process.pid).length === 1, 30_000);
});

describe('a process that dies', () => {
  test('once may have died by chance: the next one decodes the picture', async () => {
    const decoding = outcome(decoder.preview(path));
    sendSignal(await nextChild(process.pid), 'SIGSEGV');
    expect(await decoding).toBe('decoded');
  });

  test('twice has died because of the picture, which is reported; the next one is decoded', async () => {
    // Nobody writes to it, so that no process is done with it before it is killed.
    const endless = join(folder, 'endless');
    await promisify(execFile)('mkfifo', [endless]);
    const decoding = outcome(decoder.preview(endless));
    const first = await nextChild(process.pid);
    sendSignal(first, 'SIGSEGV');
    sendSignal(await nextChild(process.pid, [first]), 'SIGABRT');
    expect(await decoding).toBe('media.crashed');
    expect(await outcome(decoder.preview(path))).toBe('decoded');
  });

  test('while it waits for a picture is replaced', async () => {
    await decoder.preview(path);
    sendSignal(await nextChild(process.pid), 'SIGKILL');
    expect(await outcome(decoder.preview(path))).toBe('decoded');
  });
});

test('a process that does not finish is killed', async () => {
  // It takes longer than this to start. Suites beside this one may have the processors for a while.
  const hasty = createIsolatedDecoder({ maxPixels, timeoutMs: 50 });
  await until(async () => (await outcome(hasty.preview(path))) === 'media.crashed');
});

test('a process that had no time is killed, which says nothing about the picture', async () => {
  const patient = createIsolatedDecoder({ maxPixels, timeoutMs: 3_000 });
  await until(async () => {
    const decoding = outcome(patient.preview(path));
    sendSignal(await nextChild(process.pid), 'SIGSTOP');
    return (await decoding) === 'media.busy'; // It may have decoded the picture before it was stopped.
  });
});

test('it ends with the process that has started it, however that ends', async () => {
  const built = join(import.meta.dirname, '../../../dist/infra/pictures/isolated-decoder.js');
  const script = join(folder, 'parent.mjs');
  await writeFile(
    script,
    `import { createIsolatedDecoder } from ${JSON.stringify(built)};
     await createIsolatedDecoder({ maxPixels: 1e6, idleMs: 60_000 }).preview(${JSON.stringify(path)});
     process.send('decoded');
     setInterval(() => undefined, 1_000);`,
  );
  const parent = fork(script, { execArgv: [] });
  await new Promise((decoded) => parent.once('message', decoded));
  const child = await nextChild(parent.pid ?? 0);
  const score = readFileSync(`/proc/${String(child)}/oom_score_adj`, 'utf8').trim();
  expect(score).toBe('1000'); // Before the service, if memory runs out.
  parent.kill('SIGKILL');
  await until(() => !isAlive(child), 30_000);
});

/** Neither gone nor a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}
