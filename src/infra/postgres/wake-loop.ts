/** A loop that sleeps until it is woken, such as by a notification of the database. */
import { setTimeout as delay } from 'node:timers/promises';

export interface WakeLoop {
  /** Starts a run, or another run after the current one. */
  readonly wake: () => void;
  /** Starts no more runs, and waits for the current one. */
  readonly close: () => Promise<void>;
}

/**
 * `run` does the pending work. It resolves to the pause in milliseconds before the next run, or to undefined
 * if nothing is left to do before the next call of `wake`; it must not reject. Calls of `wake` during a run
 * or a pause cause one further run together.
 */
export function createWakeLoop(run: () => Promise<number | undefined>): WakeLoop {
  const closed = new AbortController();
  let isRunRequested = false;
  let running: Promise<void> | undefined;

  const runWhileRequested = async (): Promise<void> => {
    while (isRunRequested && !closed.signal.aborted) {
      isRunRequested = false;
      const pauseMs = await run();
      if (pauseMs === undefined) continue;
      isRunRequested = true;
      await delay(pauseMs, undefined, { signal: closed.signal }).catch(() => undefined);
    }
    // In the same step as the last look at `isRunRequested`, so that no call of `wake` is lost.
    running = undefined;
  };

  return {
    wake: () => {
      isRunRequested = true;
      running ??= runWhileRequested();
    },
    close: async () => {
      closed.abort();
      await running;
    },
  };
}
