/** Between two runs, in milliseconds, so that a storm of events leaves time for everything else. */
const restMs = 500;

/**
 * Runs a task one at a time: a call during a run or the rest after it is followed by one more run, whose promise all
 * callers of that time share. So an answer that is late never replaces a newer one, and many events lead to few
 * requests.
 */
export function oneAtATime(task: () => Promise<void>): () => Promise<void> {
  let busy: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const rest = async (): Promise<void> => {
    await new Promise((wake) => setTimeout(wake, restMs));
    if (!next) busy = undefined;
  };
  const run = (): Promise<void> => {
    next = undefined;
    const running = task();
    busy = running.then(rest, rest);
    return running;
  };
  return () => {
    if (!busy) return run();
    next ??= busy.then(run);
    return next;
  };
}
