import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Longer than any start takes; a lock this old is a dead process's whose id has been given to another. */
const staleAfterMs = 120_000;

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
  if (pid !== 0 && isAlive(pid) && Date.now() - since < staleAfterMs) return false;
  await rm(file, { force: true });
  return false;
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
