/** A single deadline for everything that a call does, from the name lookup to the last byte. */
import { AppError } from '../../domain/errors.js';

export interface Deadline {
  /** Aborted with `media.timeout` when time is up, or with the caller's own reason. */
  readonly signal: AbortSignal;
  /** Settles like `work`, but no later than the signal; a later result of `work` is ignored. */
  readonly race: <T>(work: T | Promise<T>) => Promise<T>;
  /** Extends the deadline if it would otherwise end within this many milliseconds. */
  readonly notBefore: (earliestInMs: number) => void;
  /** Releases the timer and the caller's signal. */
  readonly clear: () => void;
}

/** Starts the deadline. `callerSignal` lets the caller abort earlier. */
export function startDeadline(timeoutMs: number, callerSignal?: AbortSignal): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  let endsAt = performance.now() + timeoutMs;
  const check = (): void => {
    const leftMs = endsAt - performance.now();
    if (leftMs > 0) timer = setTimeout(check, Math.ceil(leftMs));
    else controller.abort(new AppError('media.timeout', `timed out after ${timeoutMs.toString()} ms`));
  };
  let timer = setTimeout(check, timeoutMs);
  const abortWithCaller = (): void => {
    controller.abort(callerSignal?.reason);
  };
  if (callerSignal?.aborted) abortWithCaller();
  else callerSignal?.addEventListener('abort', abortWithCaller, { once: true });

  return {
    signal,
    race: (work) => raceSignal(Promise.resolve(work), signal),
    notBefore: (inMs) => {
      endsAt = Math.max(endsAt, performance.now() + inMs);
    },
    clear: () => {
      clearTimeout(timer);
      callerSignal?.removeEventListener('abort', abortWithCaller);
    },
  };
}

/**
 * Settles like `work`, or rejects with the reason of `signal` as soon as it aborts; a later result of `work`
 * is ignored.
 */
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
