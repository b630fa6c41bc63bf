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
 * A call during a run starts another run afterwards, and several calls during a run share that one. No caller
 * thus gets a result that is older than its call.
 */
export function coalesced<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const runNext = (): Promise<T> => {
    next = undefined;
    const result = work();
    running = result.catch(() => undefined);
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
