/** One deadline over everything a call does, from the name lookup to the last byte. */
import { AppError } from '../domain/errors.js';

export interface Deadline {
  /** Aborted with `media.timeout` when time is up, or with the caller's own reason. */
  readonly signal: AbortSignal;
  /** Settles like `work`, but no later than the signal; what `work` does afterwards is ignored. */
  readonly race: <T>(work: T | Promise<T>) => Promise<T>;
  /** Lets go of the timer and of the caller's signal. */
  readonly clear: () => void;
}

/** Starts the clock. `outer` is the caller's own wish to stop. */
export function startDeadline(timeoutMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => {
    controller.abort(new AppError('media.timeout', `Not done within ${timeoutMs.toString()} ms`));
  }, timeoutMs);
  const follow = (): void => {
    controller.abort(outer?.reason);
  };
  if (outer?.aborted) follow();
  else outer?.addEventListener('abort', follow, { once: true });

  return {
    signal,
    race: (work) => raceSignal(Promise.resolve(work), signal),
    clear: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', follow);
    },
  };
}

function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}
