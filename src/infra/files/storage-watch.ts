/**
 * Checks regularly whether files can be stored: often while they cannot, rarely while they can. The log
 * states the problem once a minute while it lasts, and once when it is over.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { shareRun } from '../../domain/concurrent-calls.js';
import type { Logger } from '../logging/logger.js';
import { toStorageProblem, type StorageProblem } from './storage-problem.js';

export interface StorageWatch {
  /** Returns the problem that prevents writing files, or undefined. Calls during a check share its result. */
  readonly check: () => Promise<StorageProblem | undefined>;
  /** Called after a file could not be stored: if no problem is known, a check follows soon. */
  readonly recheck: () => void;
  /** The result of the last check. */
  readonly problem: () => StorageProblem | undefined;
  /** Resolves when files can be written. */
  readonly whenWritable: () => Promise<void>;
  /** Starts the regular checks. */
  readonly start: () => void;
  readonly close: () => void;
}

interface StorageWatchOptions {
  /** Rejects if no file can be written now. */
  readonly probe: () => Promise<unknown>;
  /** Called when files can be written again. */
  readonly onRecovery: () => Promise<void>;
  readonly logger: Logger;
}

const checkIntervalMs = { usable: 30_000, failing: 3_000 } as const;
const logIntervalMs = 60_000;
const hints = { TimeoutError: 'it does not respond' };
/** Many pictures may request a check at once. */
const recheckIntervalMs = 1_000;
/** A disk or a store that takes longer than this is unusable. */
const probeTimeoutMs = 10_000;

export function createStorageWatch({ probe, onRecovery, logger }: StorageWatchOptions): StorageWatch {
  const log = createProblemLog(logger);
  let isWatching = false;
  let timer: NodeJS.Timeout | undefined;
  let current: StorageProblem | undefined;
  let checkedAt = -Infinity;
  let waiting: (() => void)[] = [];

  const record = (problem: StorageProblem | undefined): void => {
    log(current, problem);
    const isRecovery = current !== undefined && problem === undefined;
    current = problem;
    if (problem === undefined) for (const resume of waiting.splice(0)) resume();
    if (isRecovery)
      onRecovery().catch((error: unknown) => {
        logger.warn({ err: error }, 'jobs that waited for the file store could not be resumed');
      });
  };

  /** Schedules the next check, which comes sooner while there is a problem. */
  const scheduleCheck = (): void => {
    clearTimeout(timer);
    if (!isWatching) return;
    timer = setTimeout(
      () => void check(),
      current ? checkIntervalMs.failing : checkIntervalMs.usable,
    ).unref();
  };

  const check = shareRun(async () => {
    const problem = await problemOf(probe());
    checkedAt = performance.now();
    record(problem);
    scheduleCheck();
    return problem;
  });

  return {
    check,
    recheck: () => {
      if (current === undefined && performance.now() - checkedAt > recheckIntervalMs) void check();
    },
    problem: () => current,
    whenWritable: async () => {
      if ((await check()) !== undefined) await new Promise<void>((resume) => waiting.push(resume));
    },
    start: () => {
      isWatching = true;
      void check();
    },
    close: () => {
      isWatching = false;
      clearTimeout(timer);
      waiting = [];
    },
  };
}

/** Logs a new problem at once, a lasting one once a minute, and its end. */
function createProblemLog(
  logger: Logger,
): (previous: StorageProblem | undefined, problem: StorageProblem | undefined) => void {
  let loggedAt = 0;
  return (previous, problem) => {
    if (problem === undefined) {
      if (previous) logger.info({ reason: previous.reason }, 'files can be written again');
      return;
    }
    if (previous?.reason === problem.reason && Date.now() - loggedAt < logIntervalMs) return;
    loggedAt = Date.now();
    logger.error({ reason: problem.reason }, `files cannot be written: ${problem.message}`);
  };
}

async function problemOf(probing: Promise<unknown>): Promise<StorageProblem | undefined> {
  try {
    await withTimeout(probing);
    return undefined;
  } catch (error) {
    return toStorageProblem(error, { action: 'checking the file store', hints });
  }
}

async function withTimeout(work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const timeout = delay(probeTimeoutMs, undefined, { signal: timer.signal, ref: false }).then(() => {
    const seconds = String(probeTimeoutMs / 1000);
    throw Object.assign(new Error(`no response within ${seconds} seconds`), { name: 'TimeoutError' });
  });
  timeout.catch(() => undefined); // Aborting the timer rejects this promise.
  try {
    await Promise.race([work, timeout]);
  } finally {
    timer.abort();
  }
}
