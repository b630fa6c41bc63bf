/**
 * Makes sure that only one PostgreSQL uses a data directory, although containers, which do not share process
 * ids, and hosts may share its volume.
 *
 * A kernel lock (flock) on a file beside the data decides. It belongs to the open file, which every process
 * of the server inherits, and lasts until the last of them has ended for whatever reason; process ids are
 * irrelevant. Node cannot request such a lock. The program `flock` can, for an inherited file, and on macOS
 * opening a file can.
 *
 * A network file system may not show such locks to other hosts, and the program may be missing. The process
 * that holds the directory then writes a heartbeat into a file. A start that finds no heartbeat for a while
 * deletes the lock file of PostgreSQL. Every PostgreSQL checks that file once a minute and ends if it is
 * missing; the start waits for that before it launches its own server.
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
  /**
   * Inherited by the server's processes, which then hold the lock. Undefined if this system has no such lock.
   */
  readonly descriptor: number | undefined;
  /** Releases this process's share of the lock. */
  readonly release: () => void;
}

/** Waiting times for other processes; shorter in tests. */
export interface LockTimes {
  /** Without a heartbeat for this time, a holder on another host is considered dead. */
  readonly silentMs: number;
  /** PostgreSQL checks its lock file once a minute (`ServerLoop` in postmaster.c). */
  readonly noticeMs: number;
}

export const defaultTimes: LockTimes = { silentMs: 20_000, noticeMs: 75_000 };
const heartbeatMs = 5_000;

const holderSchema = z.object({
  id: z.string(),
  host: z.string(),
  since: z.string(),
  /** The same for all containers on a running kernel; it changes with each boot. */
  kernel: z.string(),
  /** Whether it held the kernel lock. */
  locked: z.boolean(),
  /** Whether processes on other hosts depend on heartbeats. */
  shared: z.boolean(),
  beat: z.number(),
});
type Holder = z.infer<typeof holderSchema>;

/** The lock for a start, or undefined while a server, or another start, holds it. */
export async function tryDataLock(folder: string, times = defaultTimes): Promise<DataLock | undefined> {
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

/** Describes the holder of the lock for an operator. */
export function describeHolder(folder: string): string {
  const holder = readableHolder(folder);
  return holder ? `Inlet on the host ${holder.host} since ${holder.since}` : 'another process';
}

/**
 * Writes heartbeats if other hosts cannot see the kernel lock. Call it only while there is a server, or while
 * the lock is held for a start, because all processes that use the server share the heartbeat. Returns a
 * function that stops it.
 */
export function startHeartbeat(folder: string): () => void {
  const timer = setInterval(() => {
    try {
      const holder = readHolder(folder);
      if (holder?.shared) writeHolder(folder, { ...holder, beat: holder.beat + 1 });
    } catch {
      // For example, the disk is full. The next heartbeat may succeed; without any, another start ends this
      // server before it launches its own.
    }
  }, heartbeatMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** The recorded holder, for {@link forgetHolder}. */
export function currentHolder(folder: string): string | undefined {
  return readableHolder(folder)?.id;
}

/**
 * Called when the server of this holder has ended, so that the next start need not wait for it. Another start
 * may already hold the lock.
 */
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

/** Whether the kernel lock, which is free, would show whether the last holder is alive. */
function isKnownByLock(last: Holder, now: Holder): boolean {
  return now.locked && last.locked && (!last.shared || last.kernel === now.kernel);
}

async function isSilent(folder: string, last: Holder, { silentMs }: LockTimes): Promise<boolean> {
  const until = Date.now() + silentMs;
  while (Date.now() < until) {
    await delay(Math.min(heartbeatMs, silentMs) / 5);
    const now = readHolder(folder);
    if (now?.id !== last.id || now.beat !== last.beat) return false;
  }
  return true;
}

/**
 * If several starts find the same silent holder, the last one to write its name continues. There is a holder
 * at all times, so that no other start begins meanwhile.
 */
async function takeOver(folder: string, holder: Holder, { noticeMs }: LockTimes): Promise<boolean> {
  writeHolder(folder, holder);
  const end = startHeartbeat(folder);
  try {
    rmSync(join(folder, 'data', 'postmaster.pid'), { force: true });
    await delay(noticeMs);
  } finally {
    end();
  }
  return readHolder(folder)?.id === holder.id;
}

function claim(folder: string, holder: Holder): boolean {
  const stored = readOrCreateState(fileOf(folder), () => JSON.stringify(holder));
  return parseHolder(stored)?.id === holder.id;
}

function writeHolder(folder: string, holder: Holder): void {
  replaceState(fileOf(folder).path, JSON.stringify(holder));
}

function readHolder(folder: string): Holder | undefined {
  const content = readState(fileOf(folder));
  return content === undefined ? undefined : parseHolder(content);
}

/** The holder, or undefined if the file is damaged: a server must be ended nevertheless. */
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

/** O_EXLOCK of fcntl.h, which Node does not name: opening also takes the lock. */
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
  // BusyBox exits with 1 in all cases, and prints a message in all cases but this one.
  return status === 1 && stderr.length === 0 ? 'held' : 'none';
}

function kernelId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return hostname(); // macOS.
  }
}

/** Numbers from statfs(2): ext, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS, bcachefs. */
const localTypes: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e,
]);

/** Whether only one kernel can use this file system, so that all processes see its locks. */
function isLocal(folder: string): boolean {
  return process.platform === 'darwin' || localTypes.has(statfsSync(folder).type);
}
