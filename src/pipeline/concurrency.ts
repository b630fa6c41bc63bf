import { AppError } from '../domain/errors.js';

export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * Runs at most `places` tasks at once, which may change; the others wait in order. Where more than `mostWaiting` do, rejects with
 * `media.busy`.
 */
export function createLimit(places: number | (() => number), mostWaiting = Infinity): Limit {
  const waiting: (() => void)[] = [];
  let running = 0;
  const isFull = (): boolean => running >= (typeof places === 'number' ? places : places());
  return async (task) => {
    // Nobody who comes now overtakes those that wait.
    const mustWait = waiting.length > 0 || isFull();
    if (mustWait && waiting.length >= mostWaiting)
      throw new AppError('media.busy', 'too much is waiting for the decoder');
    if (mustWait) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
      while (waiting.length > 0 && !isFull()) {
        running += 1;
        waiting.shift()?.();
      }
    }
  };
}

/** Runs the tasks of one key one after another. */
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
