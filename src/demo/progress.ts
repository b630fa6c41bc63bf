/** Lines that show a newcomer that something is happening, each with the seconds since the beginning. */
export interface Progress {
  readonly say: (words: string) => void;
  /** Repeats the words every few seconds until the work has settled. */
  readonly during: <T>(words: string, work: Promise<T>) => Promise<T>;
}

const repeatMs = 5_000;
const secondsWidth = 7;

export function startProgress(print: (line: string) => void): Progress {
  const started = performance.now();
  const say = (words: string): void => {
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    print(`${seconds.padStart(secondsWidth)} s  ${words}`);
  };
  return {
    say,
    during: (words, work) => {
      const timer = setInterval(say, repeatMs, words);
      return work.finally(() => {
        clearInterval(timer);
      });
    },
  };
}
