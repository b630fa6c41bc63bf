import { readFileSync } from 'node:fs';

/** The unit of times in `/proc`, which has been the same on every Linux system for decades. */
const tickMs = 10;
/** The places of `utime` and `stime` behind the name of the program, see proc_pid_stat(5). */
const userTicks = 11;
const systemTicks = 12;

/**
 * The processor time of a process in milliseconds, to 10 ms. Undefined if the process has ended, and on systems
 * other than Linux.
 */
export function cpuMsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The name is in parentheses and may contain spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[userTicks]) + Number(fields[systemTicks])) * tickMs;
  } catch {
    return undefined;
  }
}

/**
 * Whether a task that had `limitMs` can blame other processes: a stopped or crowded machine, not the task, would
 * be the reason that it is ended. `cpuMs` is undefined where the system does not tell.
 */
export function isStarved(cpuMs: number | undefined, limitMs: number): boolean {
  return cpuMs !== undefined && cpuMs < limitMs / 2;
}
