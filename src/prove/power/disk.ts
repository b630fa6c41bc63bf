/** A disk that loses power: unsynced data is lost. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { eventually } from '../eventually.js';

const run = promisify(execFile);
const diskBytes = 600_000_000;
const unmountMs = 20_000;

export interface PowerDisk {
  readonly folder: string;
  /**
   * Cuts the power and restores it: the folder then has the contents that had reached the disk. Call it when
   * no process uses the folder.
   */
  readonly losePower: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * An ext4 file system in a file. What is written stays in the memory of the kernel until it is synced
 * (nothing else writes it out: neither a commit every few seconds nor the help for programs that rename
 * without a sync), so that a copy of the file is what a power cut leaves.
 */
export async function openPowerDisk(): Promise<PowerDisk> {
  const place = await mkdtemp(join(tmpdir(), 'inlet-power-'));
  const folder = join(place, 'disk');
  let image = join(place, 'image-0');
  let cuts = 0;
  const mount = (): Promise<unknown> =>
    run('mount', ['-t', 'ext4', '-o', 'loop,commit=300,noauto_da_alloc', image, folder]);
  const unmount = async (): Promise<void> => {
    const isDone = (): Promise<boolean> =>
      run('umount', [folder]).then(
        () => true,
        () => false,
      );
    if (!(await eventually(isDone, unmountMs))) throw new Error(`${folder} cannot be unmounted`);
  };
  try {
    await chmod(place, 0o755);
    await mkdir(folder);
    await writeFile(image, '');
    await truncate(image, diskBytes);
    await run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=1,lazy_journal_init=1', image]);
    await mount();
  } catch (error) {
    await rm(place, { recursive: true, force: true });
    throw error;
  }
  return {
    folder,
    losePower: async () => {
      cuts += 1;
      const left = join(place, `image-${String(cuts)}`);
      await run('cp', ['--sparse=always', image, left]);
      await unmount();
      await rm(image);
      image = left;
      await mount();
    },
    remove: async () => {
      await unmount();
      await rm(place, { recursive: true, force: true });
    },
  };
}
