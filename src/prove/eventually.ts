import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 25;

/** Returns whether the condition became true in time. */
export async function eventually(look: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await look())) {
    if (performance.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
}
