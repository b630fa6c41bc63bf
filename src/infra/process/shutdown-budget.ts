/**
 * Waits for the steps of a shutdown, within a limited time: a server that hangs must not prevent the exit.
 */
import type { Logger } from '../logging/logger.js';

export interface ShutdownBudget {
  /**
   * Resolves when `step` has settled or the time is up, and logs a step that failed or was abandoned. Never
   * rejects.
   */
  readonly waitFor: (what: string, step: Promise<unknown>) => Promise<void>;
}

/** Starts a time budget that all steps share. */
export function startShutdownBudget(budgetMs: number, logger: Pick<Logger, 'warn'>): ShutdownBudget {
  const deadline = performance.now() + budgetMs;
  return {
    waitFor: (what, ending) =>
      new Promise((resolve) => {
        const timer = setTimeout(
          () => {
            logger.warn({ what }, 'did not stop in time and was abandoned');
            resolve();
          },
          Math.max(0, deadline - performance.now()),
        );
        const settled = (): void => {
          clearTimeout(timer);
          resolve();
        };
        ending.then(settled, (error: unknown) => {
          logger.warn({ what, err: error }, 'failed to stop');
          settled();
        });
      }),
  };
}
