import { AppError } from '../domain/errors.js';

export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

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
  const waiting: { readonly start: () => void; readonly reject: (reason: AppError) => void }[] = [];
  let running = 0;
  const isFull = (): boolean => running >= (typeof places === 'number' ? places : places());
  const busy = (): AppError => new AppError('media.busy', 'too many files are waiting for the decoder');
  stopSignal?.addEventListener('abort', () => {
    for (const { reject } of waiting.splice(0)) reject(busy());
  });
  return async (task) => {
    // New callers do not overtake waiting callers.
    if (waiting.length > 0 || isFull()) {
      if (waiting.length >= maxQueued || stopSignal?.aborted) throw busy();
      await new Promise<void>((start, reject) => waiting.push({ start, reject }));
    } else running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
      while (waiting.length > 0 && !isFull()) {
        running += 1;
        waiting.shift()?.start();
      }
    }
  };
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
