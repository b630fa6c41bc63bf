/** A small disk that can be filled and made read-only. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { eventually } from '../eventually.js';

const run = promisify(execFile);

export interface Disk {
  readonly folder: string;
  /** A description for the notes. */
  readonly kind: string;
  /** Makes all writes fail from now on. */
  readonly fill: () => Promise<void>;
  readonly makeReadOnly: () => Promise<void>;
  /** Allows writes again. */
  readonly mend: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

const size = '256m';
const fillingBytes = 1_048_576;
const timeoutMs = 30_000;
/** Files that the service deletes while the disk is full make room for others. */
const topUpMs = 50;

/** A file system in memory if mounting is allowed; otherwise a folder that can be replaced by a file. */
export async function openDisk(): Promise<Disk> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-faults-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'inlet-faults', folder]);
    return mounted(folder);
  } catch {
    return blocked(folder);
  }
}

function mounted(folder: string): Disk {
  const filler = join(folder, 'filler');
  // It cannot be made read-only while a process is writing.
  const remount = (how: 'ro' | 'rw'): Promise<boolean> =>
    eventually(
      () =>
        run('mount', ['-o', `remount,${how}`, folder]).then(
          () => true,
          () => false,
        ),
      timeoutMs,
    );
  const fillUp = async (): Promise<void> => {
    const filling = Buffer.alloc(fillingBytes);
    const takesMore = (): Promise<boolean> =>
      appendFile(filler, filling).then(
        () => true,
        (error: unknown) => {
          if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
          throw error;
        },
      );
    while (await takesMore());
  };
  let topping: Promise<void> = Promise.resolve();
  let isFull = false;
  const keepFull = async (): Promise<void> => {
    while (isFull) {
      await fillUp();
      await delay(topUpMs);
    }
  };
  return {
    folder,
    kind: 'a tmpfs of its own',
    fill: async () => {
      await fillUp();
      isFull = true;
      topping = keepFull();
    },
    makeReadOnly: async () => {
      if (!(await remount('ro'))) throw new Error('the disk cannot be made read-only');
    },
    mend: async () => {
      isFull = false;
      await topping;
      await remount('rw');
      await rm(filler, { force: true });
    },
    remove: async () => {
      isFull = false;
      await topping;
      await run('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Without mounting: a file replaces the folder in which every write begins. */
function blocked(folder: string): Disk {
  const temporary = join(folder, 'uploads', 'tmp');
  const aside = join(folder, 'uploads', 'aside');
  const block = async (): Promise<void> => {
    await rename(temporary, aside).catch(() => undefined);
    await writeFile(temporary, '');
  };
  return {
    folder,
    kind: 'a file in the place of the folder, since mounting is not allowed here',
    fill: block,
    makeReadOnly: block,
    mend: async () => {
      await rm(temporary, { force: true });
      await rename(aside, temporary).catch(() => undefined);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
