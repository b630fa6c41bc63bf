/** What happens to a call while an earlier call is running. */

/** A call during a run shares the result of that run. */
export function shareRun<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () =>
    (running ??= work().finally(() => {
      running = undefined;
    }));
}

/**
 * A call during a run, or during the `restMs` milliseconds after it, starts another run afterwards, and several of
 * these calls share that run. No caller thus gets a result that is older than its call.
 */
export function coalesced<T>(work: () => Promise<T>, restMs = 0): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const runNext = (): Promise<T> => {
    next = undefined;
    const result = work();
    const ended = result.catch(() => undefined);
    running = restMs === 0 ? ended : ended.then(() => new Promise((wake) => setTimeout(wake, restMs)));
    return result;
  };
  return () => (next ??= running.then(runNext));
}

/**
 * Runs the given pieces of work one after another, in the order of the calls. A failure does not stop the
 * next one.
 */
export function createSequence(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
