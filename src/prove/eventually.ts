import { setTimeout as delay } from 'node:timers/promises';

const lookAgainMs = 25;

/** Whether it came true, in time. */
export async function eventually(look: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (!(await look())) {
    if (performance.now() > until) return false;
    await delay(lookAgainMs);
  }
  return true;
}
