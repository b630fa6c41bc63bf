import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Longer than any start takes; a lock this old is a dead process's whose id has been given to another. */
const staleAfterMs = 120_000;
/** A lock is made first and filled a moment later; one that stays empty is a dead process's. */
const emptyForMs = 1_000;

/** Runs `task` while no other process on this machine does so under the same file. A killed holder's lock is cleared. */
export async function withStartLock<T>(file: string, task: () => Promise<T>): Promise<T> {
  while (!(await tryLock(file))) await delay(50);
  try {
    return await task();
  } finally {
    await rm(file, { force: true });
  }
}

async function tryLock(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${String(process.pid)} ${String(Date.now())}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const [pid = 0, since = 0] = (await readFile(file, 'utf8').catch(() => '')).split(' ').map(Number);
  const isHeld = pid === 0 ? await isJustMade(file) : isAlive(pid) && Date.now() - since < staleAfterMs;
  if (isHeld) return false;
  await rm(file, { force: true });
  return false;
}

async function isJustMade(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < emptyForMs;
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
