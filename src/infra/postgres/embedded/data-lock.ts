/**
 * Only one PostgreSQL may use a data directory, although containers, which share no process ids, and hosts may share its volume.
 *
 * What decides is a lock of the kernel (flock) on a file beside the data. It belongs to the open file, which is handed on to every
 * process of the server: it lasts until the last of them has ended, however it ends, and no process id has a say. Node cannot ask
 * for such a lock; the program `flock` can, for a file that it is handed, and on macOS opening a file can.
 *
 * A network file system may keep such locks from other hosts, and there may be no such program. The process that holds the directory
 * then writes a sign of life into a file. A start that finds none for a while takes the lock file of PostgreSQL away, which every
 * PostgreSQL looks for once a minute, ending itself when it is gone, and waits for that before it starts its own.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { z } from 'zod';

import { readOrCreateState, readState, replaceState, type StateFile } from '../../files/state-file.js';

export interface DataLock {
  /** To be handed on to the server's processes, which hold the lock from then on. Undefined: this system has no such lock. */
  readonly descriptor: number | undefined;
  /** Ends this process's part in it. */
  readonly release: () => void;
}

/** How long to wait for what other processes do; shorter in tests. */
export interface LockTimes {
  /** Without a sign of life for so long, a holder on another host is taken for dead. */
  readonly silentMs: number;
  /** PostgreSQL looks for its lock file once a minute (`ServerLoop` in postmaster.c). */
  readonly noticeMs: number;
}

export const usualTimes: LockTimes = { silentMs: 20_000, noticeMs: 75_000 };
const signOfLifeMs = 5_000;

const holderSchema = z.object({
  id: z.string(),
  host: z.string(),
  since: z.string(),
  /** The same for all containers of a running kernel, and another one after each boot. */
  kernel: z.string(),
  /** Whether it held the kernel's lock. */
  locked: z.boolean(),
  /** Whether processes on other hosts can only tell by signs of life that it is there. */
  shared: z.boolean(),
  beat: z.number(),
});
type Holder = z.infer<typeof holderSchema>;

/** The lock for a start, or undefined while a server, or another start, holds it. */
export async function tryDataLock(folder: string, times = usualTimes): Promise<DataLock | undefined> {
  const taken = takeKernelLock(join(folder, 'lock'));
  if (taken === 'held') return undefined;
  const release = (): void => {
    if (taken !== 'none') closeSync(taken);
  };
  try {
    if (await becomeHolder(folder, taken !== 'none', times))
      return { descriptor: taken === 'none' ? undefined : taken, release };
  } catch (error) {
    release();
    throw error;
  }
  release();
  return undefined;
}

/** In words for an operator, for the case that the lock cannot be had. */
export function describeHolder(folder: string): string {
  const holder = readableHolder(folder);
  return holder ? `Inlet on the host ${holder.host} since ${holder.since}` : 'another process';
}

/**
 * Shows other hosts that the server is alive, where the kernel does not tell them. To be called only while there is a server, or while the
 * lock is held for a start: the sign is the same for all processes that use the server. Returns a function that ends it.
 */
export function giveSignsOfLife(folder: string): () => void {
  const timer = setInterval(() => {
    try {
      const holder = readHolder(folder);
      if (holder?.shared) writeHolder(folder, { ...holder, beat: holder.beat + 1 });
    } catch {
      // A full disk, for example. The next sign may be written; without any, the server is ended before another one starts.
    }
  }, signOfLifeMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** Which holder is written down, for {@link forgetHolder}. */
export function currentHolder(folder: string): string | undefined {
  return readableHolder(folder)?.id;
}

/** To be called when the server of this holder has ended: the next start need not wait for it. Another start may hold the lock by now. */
export function forgetHolder(folder: string, id: string | undefined): void {
  if (id !== undefined && currentHolder(folder) === id) rmSync(fileOf(folder).path, { force: true });
}

async function becomeHolder(folder: string, locked: boolean, times: LockTimes): Promise<boolean> {
  const holder: Holder = {
    id: randomUUID(),
    host: hostname(),
    since: new Date().toISOString(),
    kernel: kernelId(),
    locked,
    shared: !locked || !isLocal(folder),
    beat: 0,
  };
  const last = readHolder(folder);
  if (last === undefined) return claim(folder, holder);
  if (isKnownByLock(last, holder)) {
    writeHolder(folder, holder);
    return true;
  }
  return (await isSilent(folder, last, times)) && takeOver(folder, holder, times);
}

/** Whether the kernel's lock, which is free, would have been seen to be held by the last holder. */
function isKnownByLock(last: Holder, now: Holder): boolean {
  return now.locked && last.locked && (!last.shared || last.kernel === now.kernel);
}

async function isSilent(folder: string, last: Holder, { silentMs }: LockTimes): Promise<boolean> {
  const until = Date.now() + silentMs;
  while (Date.now() < until) {
    await delay(Math.min(signOfLifeMs, silentMs) / 5);
    const now = readHolder(folder);
    if (now?.id !== last.id || now.beat !== last.beat) return false;
  }
  return true;
}

/** Of several starts that find the same silent holder, the last one to write its name goes on. A start never finds no holder meanwhile. */
async function takeOver(folder: string, holder: Holder, { noticeMs }: LockTimes): Promise<boolean> {
  writeHolder(folder, holder);
  const end = giveSignsOfLife(folder);
  try {
    rmSync(join(folder, 'data', 'postmaster.pid'), { force: true });
    await delay(noticeMs);
  } finally {
    end();
  }
  return readHolder(folder)?.id === holder.id;
}

function claim(folder: string, holder: Holder): boolean {
  const kept = readOrCreateState(fileOf(folder), () => JSON.stringify(holder));
  return parseHolder(kept)?.id === holder.id;
}

function writeHolder(folder: string, holder: Holder): void {
  replaceState(fileOf(folder).path, JSON.stringify(holder));
}

function readHolder(folder: string): Holder | undefined {
  const content = readState(fileOf(folder));
  return content === undefined ? undefined : parseHolder(content);
}

/** For those who go on without it: a server must be ended although this file was damaged. */
function readableHolder(folder: string): Holder | undefined {
  try {
    return readHolder(folder);
  } catch {
    return undefined;
  }
}

function fileOf(folder: string): StateFile {
  const path = join(folder, 'holder');
  return {
    path,
    isComplete: (content) => parseHolder(content) !== undefined,
    remedy: 'remove it when no Inlet uses this folder',
  };
}

function parseHolder(content: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}

type KernelLock = number | 'held' | 'none';

function takeKernelLock(path: string): KernelLock {
  return process.platform === 'darwin' ? openLocked(path) : lockOpened(path);
}

/** O_EXLOCK of fcntl.h, which Node has no name for: opening takes the lock as well. */
const openingTakesLock = 0x20;

function openLocked(path: string): KernelLock {
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | openingTakesLock;
    return openSync(path, flags, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return 'held';
    if (code === 'ENOTSUP') return 'none';
    throw error;
  }
}

function lockOpened(path: string): KernelLock {
  const descriptor = openSync(path, 'a', 0o600);
  const { status, stderr } = spawnSync('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
  });
  if (status === 0) return descriptor;
  closeSync(descriptor);
  // BusyBox ends with 1 for every reason, and says something for all but this one.
  return status === 1 && stderr.length === 0 ? 'held' : 'none';
}

function kernelId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return hostname(); // macOS.
  }
}

/** By the numbers in statfs(2): ext, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS, bcachefs. */
const localTypes: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e,
]);

/** Whether only one kernel can have this file system in use, so that its locks reach everybody. */
function isLocal(folder: string): boolean {
  return process.platform === 'darwin' || localTypes.has(statfsSync(folder).type);
}
