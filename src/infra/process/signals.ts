/**
 * Signals to other processes. The number 0 stands for the group of the caller, and a negative one for another
 * group: a number that was read a moment too early or too late would end the caller and everything beside it.
 */

/** Sends a signal to one process. False if the process no longer exists. Throws for what is no process. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals): boolean {
  return send(processNumber(pid), signal);
}

/** Sends a signal to the group that a process leads. False if no process of it exists any more. */
export function sendSignalToGroup(leader: number | undefined, signal: NodeJS.Signals): boolean {
  return send(-processNumber(leader), signal);
}

/** Whether a process exists. One that has ended exists until its parent has taken note of it. */
export function isRunning(pid: number | undefined): boolean {
  return send(processNumber(pid), 0);
}

function processNumber(pid: number | undefined): number {
  if (pid === undefined || !Number.isSafeInteger(pid) || pid < 2)
    throw new RangeError(`${String(pid)} is not the number of a process that may be sent a signal`);
  return pid;
}

function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    // eslint-disable-next-line no-restricted-syntax -- The number was checked.
    return process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
