/** Ends are waited for, though not for ever: a server that does not answer does not say goodbye either. */
import type { Logger } from '../logging/logger.js';

export interface Patience {
  /** Resolves when `ending` has settled, or when time is up: then the log says what is given up. Never rejects. */
  readonly waitFor: (what: string, ending: Promise<unknown>) => Promise<void>;
}

/** Its time begins now, and is shared by everything that is waited for. */
export function startPatience(withinMs: number, logger: Pick<Logger, 'warn'>): Patience {
  const until = performance.now() + withinMs;
  return {
    waitFor: (what, ending) =>
      new Promise((resolve) => {
        const timer = setTimeout(
          () => {
            logger.warn({ what }, 'did not end in time, and is given up');
            resolve();
          },
          Math.max(0, until - performance.now()),
        );
        const settled = (): void => {
          clearTimeout(timer);
          resolve();
        };
        ending.then(settled, (error: unknown) => {
          logger.warn({ what, err: error }, 'did not end well');
          settled();
        });
      }),
  };
}
