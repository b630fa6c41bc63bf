/** Work that one page of the browser does at a time: the one that holds a lock. */

export interface Exclusive {
  /** Whether this page does the work. */
  readonly isHeld: () => boolean;
  /** Takes the work from the page that does it, which then waits for its next turn. */
  readonly takeOver: () => void;
  /** Gives the work to the next page, and no longer waits for it. */
  readonly leave: () => void;
}

/** Stands in line for the lock. `begin` begins the work and returns a function that ends it. */
export function createExclusive(name: string, begin: () => () => void): Exclusive {
  const leaving = new AbortController();
  const working = new Set<() => void>();

  const hold = async (options: LockOptions): Promise<void> => {
    let end: (() => void) | undefined;
    try {
      await navigator.locks.request(name, options, () => {
        if (leaving.signal.aborted) return undefined;
        working.add((end = begin()));
        return new Promise<void>((resolve) => {
          leaving.signal.addEventListener('abort', () => {
            resolve();
          });
        });
      });
    } catch {
      // Another page has taken the work over, or this one leaves.
    }
    if (!end) return;
    end();
    working.delete(end);
  };
  const standInLine = async (): Promise<void> => {
    while (!leaving.signal.aborted) await hold({ signal: leaving.signal });
  };
  void standInLine();
  return {
    isHeld: () => working.size > 0,
    takeOver: () => {
      if (working.size === 0) void hold({ steal: true });
    },
    leave: () => {
      leaving.abort();
      for (const end of working) end();
    },
  };
}
