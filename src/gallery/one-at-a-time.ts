/**
 * Runs a task one at a time: a call during a run is followed by one more run, whose promise all callers of that time
 * share. So an answer that is late never replaces a newer one, and many events lead to few requests.
 */
export function oneAtATime(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = (): Promise<void> => {
    next = undefined;
    running = task().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (!running) return run();
    next ??= running.then(run, run);
    return next;
  };
}
