import { AppError } from '../domain/errors.js';

/** Once `signal` is aborted, a waiting caller is rejected with `media.busy` and frees its place. */
export type Limit = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

export interface LimitOptions {
  /** Rejects callers when this many are already waiting; unlimited by default. */
  readonly maxQueued?: number;
  /** Once aborted, waiting callers are rejected, and so are callers that would have to wait. */
  readonly stopSignal?: AbortSignal | undefined;
}

/**
 * Runs at most `places` tasks at once; the number may change. Further callers wait in order. Rejects with
 * `media.busy` when a caller cannot wait.
 */
export function createLimit(
  places: number | (() => number),
  { maxQueued = Infinity, stopSignal }: LimitOptions = {},
): Limit {
  const waiting = new Set<Waiting>();
  let running = 0;
  const isFull = (): boolean => running >= (typeof places === 'number' ? places : places());
  const busy = (): AppError => new AppError('media.busy', 'too many files are waiting for the decoder');
  stopSignal?.addEventListener('abort', () => {
    for (const { reject } of waiting) reject(busy());
    waiting.clear();
  });
  const wait = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((start, reject) => {
      const one: Waiting = { start, reject };
      waiting.add(one);
      signal?.addEventListener(
        'abort',
        () => {
          if (waiting.delete(one)) reject(busy());
        },
        { once: true },
      );
    });
  return async (task, signal) => {
    if (signal?.aborted) throw busy();
    // New callers do not overtake waiting callers.
    if (waiting.size > 0 || isFull()) {
      if (waiting.size >= maxQueued || stopSignal?.aborted) throw busy();
      await wait(signal);
    } else running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
      for (const next of waiting) {
        if (isFull()) break;
        waiting.delete(next);
        running += 1;
        next.start();
      }
    }
  };
}

interface Waiting {
  readonly start: () => void;
  readonly reject: (reason: AppError) => void;
}

/** Runs tasks with the same key one after another. */
export function createKeyedLock(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>();
  return async (key, task) => {
    const before = tails.get(key);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return task();
    })();
    tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (tails.get(key) === mine) tails.delete(key);
    }
  };
}
