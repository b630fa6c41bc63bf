/** The rate limit of failed proofs by address: headers that name another address must not circumvent it. */
import type { Context } from '../check.js';
import { exchange } from '../wire.js';
import { doorsOf, forged } from './door.js';

const limit = 20;
const named = ['x-forwarded-for', 'x-real-ip', 'cf-connecting-ip', 'true-client-ip', 'x-client-ip'];

/** Claims this client address in every known header. */
const pretending = (address: string): string[] => [
  `forwarded: for=${address}`,
  ...named.map((name) => `${name}: ${address}`),
];

/** The violations among this many attempts. */
export async function tryAroundLimit(
  context: Context,
  settings: Record<string, string> = {},
): Promise<{ tried: number; failures: string[] }> {
  const service = await context.service();
  const sibling = await service.beside({
    PROCESS_MODE: 'api',
    FAILED_WEBHOOKS_PER_MINUTE: String(limit),
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
      const lines = [...wrong.lines, ...pretending(`198.51.100.${String(number)}`)];
      const { status } = await exchange(sibling.port, { ...wrong, lines });
      if (status === 401) refused += 1;
      else if (status !== 429) failures.push(`a wrong proof was answered ${String(status)}`);
    }
    if (refused > limit)
      failures.push(`the limit of ${String(limit)} let ${String(refused)} wrong proofs pass`);
    const right = door.webhook();
    const lines = Object.entries(right.headers).map(([name, value]) => `${name}: ${value}`);
    const { status } = await exchange(sibling.port, { ...right, method: 'POST', lines });
    if (status !== 200) failures.push(`a proven sender was limited (${String(status)})`);
    return { tried: tries + 1, failures };
  } finally {
    await sibling.stop();
  }
}
