/**
 * `vipsthumbnail`, the command of libvips, which makes the previews of the baseline from files: for
 * comparison with programs that start it for pictures. Debian has it in the package libvips-tools.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { OtherProgram, PhotoTask, Thumbnails } from './other-program.js';
import { photosOf } from './photo-kinds.js';
import { childrenMs } from './processor-time.js';

const run = promisify(execFile);

/** Undefined if the command is not installed. */
export async function findVipsthumbnail(environment: NodeJS.ProcessEnv): Promise<OtherProgram | undefined> {
  const isInstalled = await run('vipsthumbnail', ['--version']).then(
    () => true,
    () => false,
  );
  if (!isInstalled) return undefined;
  return {
    name: 'vipsthumbnail',
    run: (task) => measure(environment, task),
    stop: () => Promise.resolve(),
  };
}

async function measure(
  environment: NodeJS.ProcessEnv,
  { kind, seed, count }: PhotoTask,
): Promise<Thumbnails> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-bench-vips-'));
  const env = { ...environment, VIPS_CONCURRENCY: '1' };
  try {
    const photos = await photosOf(kind, count, seed);
    const names = Array.from({ length: count }, (_, index) => `${String(index)}.jpg`);
    for (const [index, name] of names.entries()) await writeFile(join(folder, name), photos.at(index));
    const began = performance.now();
    const before = childrenMs();
    // One process for each core, as the baseline has one picture for each core at a time.
    const cores = availableParallelism();
    await Promise.all(
      Array.from({ length: cores }, (_, core) =>
        makePreviews(
          { folder, env },
          names.filter((_, index) => index % cores === core),
        ),
      ),
    );
    return {
      perSecond: count / ((performance.now() - began) / 1000),
      processorMs: (childrenMs() - before) / count,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The large preview of each file, and from that the small one. */
async function makePreviews(
  { folder, env }: { readonly folder: string; readonly env: NodeJS.ProcessEnv },
  names: readonly string[],
): Promise<void> {
  const make = (files: readonly string[], size: string, output: string) =>
    run('vipsthumbnail', ['--size', size, '--output', join(folder, output), ...files], { env });
  const inFolder = (start: string) => names.map((name) => join(folder, start + name));
  await make(inFolder(''), '1280x1280>', 'large-%s.jpg[Q=80,strip]');
  await make(inFolder('large-'), '320x320>', 'small-%s.webp[Q=75,effort=2,strip]');
}
