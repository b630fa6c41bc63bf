import { setTimeout as delay } from 'node:timers/promises';

const retryMs = 1_000;

/** Does the work until it succeeds or `signal` aborts. Never rejects. */
export async function retryUntilDone(
  work: () => Promise<void>,
  { signal, onFailure }: { readonly signal: AbortSignal; readonly onFailure: (error: unknown) => void },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch (error) {
      onFailure(error);
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
