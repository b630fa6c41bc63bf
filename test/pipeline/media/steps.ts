/** Tasks that run until the test ends them. */
export interface Steps {
  /** A task that returns its name. */
  readonly run: (name: string) => Promise<string>;
  /** The running tasks, in the order in which they started. */
  readonly running: () => string[];
  readonly finish: (name: string) => void;
  readonly fail: (name: string) => void;
  /** Resolves when everything that can happen by itself has happened. */
  readonly settle: () => Promise<void>;
}

export function createSteps(): Steps {
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const take = (name: string) => {
    const end = ends.get(name);
    if (!end) throw new Error(`${name} is not running`);
    ends.delete(name);
    return end;
  };
  return {
    run: (name) =>
      new Promise((resolve, reject) => {
        ends.set(name, {
          resolve: () => {
            resolve(name);
          },
          reject,
        });
      }),
    running: () => [...ends.keys()],
    finish: (name) => {
      take(name).resolve();
    },
    fail: (name) => {
      take(name).reject(new Error(`${name} failed`));
    },
    settle: async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    },
  };
}
