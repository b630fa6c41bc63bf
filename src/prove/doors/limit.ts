/** The limit of failed proofs by address: headers that name another address must not get around it. */
import type { Context } from '../check.js';
import { exchange } from '../wire.js';
import { doorsOf, forged } from './door.js';

const limit = 20;
const forgeries = [
  (address: string) => `x-forwarded-for: ${address}`,
  (address: string) => `forwarded: for=${address}`,
  (address: string) => `x-real-ip: ${address}`,
  (address: string) => `cf-connecting-ip: ${address}`,
  (address: string) => `true-client-ip: ${address}`,
  (address: string) => `x-client-ip: ${address}`,
];

/** What was not as promised, of so many attempts. */
export async function tryAroundLimit(
  context: Context,
  settings: Record<string, string> = {},
): Promise<{ tried: number; delivered: number; failures: string[] }> {
  const service = await context.service();
  const sibling = await service.beside({
    ...{ PROCESS_MODE: 'api', FAILED_WEBHOOKS_PER_MINUTE: String(limit) },
    ...settings,
  });
  const failures: string[] = [];
  try {
    const [door] = doorsOf(service.simulator);
    if (!door) throw new Error('there is no door');
    let refused = 0;
    const tries = 3 * limit;
    for (let number = 0; number < tries; number += 1) {
      const wrong = forged(door.webhook(), 'wrong');
      const line = forgeries[number % forgeries.length]?.(`198.51.100.${String(number)}`) ?? '';
      const { status } = await exchange(sibling.port, { ...wrong, lines: [...wrong.lines, line] });
      if (status === 401) refused += 1;
      else if (status !== 429) failures.push(`a wrong proof was answered ${String(status)}`);
    }
    // The window may turn over once while they are tried.
    if (refused > 2 * limit)
      failures.push(`the limit of ${String(limit)} let ${String(refused)} wrong proofs pass`);
    const right = door.webhook();
    const lines = Object.entries(right.headers).map(([name, value]) => `${name}: ${value}`);
    const { status } = await exchange(sibling.port, { ...right, method: 'POST', lines });
    if (status !== 200) failures.push(`a proven sender was limited (${String(status)})`);
    return { tried: tries + 1, delivered: 1, failures };
  } finally {
    await sibling.stop();
  }
}
