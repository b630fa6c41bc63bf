import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first answer that is neither undefined nor false; looks again and again, for ten seconds unless told. */
export async function until<T>(
  look: () => T | Promise<T>,
  atMostMs = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const give = Date.now() + atMostMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (Date.now() > give) throw new Error('what was waited for did not happen');
    await delay(10);
  }
}
