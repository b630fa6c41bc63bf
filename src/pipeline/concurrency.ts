import { AppError } from '../domain/errors.js';

export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

export interface Waiting {
  /** Whoever comes when so many wait already is turned away; by default nobody is. */
  readonly most?: number;
  /** Once it is aborted nobody waits any more: who does leaves, who comes is turned away. */
  readonly until?: AbortSignal | undefined;
}

/**
 * Runs at most `places` tasks at once, which may change; the others wait in order. Rejects with `media.busy` for whoever may not
 * wait.
 */
export function createLimit(
  places: number | (() => number),
  { most = Infinity, until }: Waiting = {},
): Limit {
  const waiting: { readonly go: () => void; readonly leave: (reason: AppError) => void }[] = [];
  let running = 0;
  const isFull = (): boolean => running >= (typeof places === 'number' ? places : places());
  const busy = (): AppError => new AppError('media.busy', 'too much is waiting for the decoder');
  until?.addEventListener('abort', () => {
    for (const { leave } of waiting.splice(0)) leave(busy());
  });
  return async (task) => {
    // Nobody who comes now overtakes those that wait.
    if (waiting.length > 0 || isFull()) {
      if (waiting.length >= most || until?.aborted) throw busy();
      await new Promise<void>((go, leave) => waiting.push({ go, leave }));
    } else running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
      while (waiting.length > 0 && !isFull()) {
        running += 1;
        waiting.shift()?.go();
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
