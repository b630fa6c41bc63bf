import { setTimeout as delay } from 'node:timers/promises';

const againAfterMs = 1_000;

/** Does the work until it succeeds or `signal` aborts. Never rejects. */
export async function keepTrying(
  work: () => Promise<void>,
  { signal, failed }: { readonly signal: AbortSignal; readonly failed: (error: unknown) => void },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch (error) {
      failed(error);
      await delay(againAfterMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
