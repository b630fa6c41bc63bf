import { setTimeout as delay } from 'node:timers/promises';

/** The pause between two looks grows, so that long waits leave the processor to what is waited for. */
const firstPauseMs = 5;
const longestPauseMs = 50;

/**
 * Repeats `look` until its result is neither undefined nor false, and returns that result. Rejects after
 * `atMostMs`, by default a minute.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  atMostMs = 60_000,
): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + atMostMs;
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (Date.now() > end) throw new Error('The awaited condition did not become true');
    await delay(pause);
  }
}
