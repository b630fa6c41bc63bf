/** One deadline over everything a call does, from the name lookup to the last byte. */
import { AppError } from '../../domain/errors.js';

export interface Deadline {
  /** Aborted with `media.timeout` when time is up, or with the caller's own reason. */
  readonly signal: AbortSignal;
  /** Settles like `work`, but no later than the signal; what `work` does afterwards is ignored. */
  readonly race: <T>(work: T | Promise<T>) => Promise<T>;
  /** Moves the end, so that it is not before so many milliseconds from now. */
  readonly notBefore: (inMs: number) => void;
  /** Lets go of the timer and of the caller's signal. */
  readonly clear: () => void;
}

/** Starts the clock. `outer` is the caller's own wish to stop. */
export function startDeadline(timeoutMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  let endsAt = performance.now() + timeoutMs;
  const end = (): void => {
    const leftMs = endsAt - performance.now();
    if (leftMs > 0) timer = setTimeout(end, Math.ceil(leftMs));
    else controller.abort(new AppError('media.timeout', `Not done within ${timeoutMs.toString()} ms`));
  };
  let timer = setTimeout(end, timeoutMs);
  const follow = (): void => {
    controller.abort(outer?.reason);
  };
  if (outer?.aborted) follow();
  else outer?.addEventListener('abort', follow, { once: true });

  return {
    signal,
    race: (work) => raceSignal(Promise.resolve(work), signal),
    notBefore: (inMs) => {
      endsAt = Math.max(endsAt, performance.now() + inMs);
    },
    clear: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', follow);
    },
  };
}

/** Settles like `work`, or rejects with the reason of `signal` as soon as it aborts; what `work` does afterwards is ignored. */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
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
