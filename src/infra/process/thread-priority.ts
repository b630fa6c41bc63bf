/** Decoding may wait, an answer may not: where both want the same core, the thread that answers comes first. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

import type { Logger } from '../logging/logger.js';

/** Of 19 at most. More would leave little to them beside other programs that are busy. */
export const behind = 10;

/**
 * Puts all threads of the process behind its first one, and with them those that they start later: libvips starts its own from
 * the thread pool. Measured at 1 000 webhooks a second beside 20 pictures, on two cores: 99 of 100 answers within 80 ms without
 * it. On Linux priorities belong to threads, and numbers of threads are taken where numbers of processes are; elsewhere nothing
 * is done. Call it when the thread pool has been used.
 */
export function putThreadsBehind(logger: Pick<Logger, 'debug'>): void {
  if (process.platform !== 'linux') return;
  try {
    for (const thread of readdirSync('/proc/self/task').map(Number))
      if (thread !== process.pid) setPriority(thread, behind);
  } catch (error) {
    logger.debug({ err: error }, 'threads keep their priority'); // Some sandboxes allow no such calls.
  }
}
