/** How much needs attention, for the number beside its link. */
import { signal } from '@preact/signals';

import { api, type StatsView } from './api.js';

export const attentionCount = signal(0);
/** Older troubles are history: nobody waits for them any more. */
export const attentionDays = 30;

export function countAttention({ late, failed, rejected, malformed }: StatsView['needsAttention']): number {
  return late + failed + rejected + malformed;
}

export async function refreshAttention(): Promise<void> {
  try {
    attentionCount.value = countAttention((await api.stats({ days: attentionDays })).needsAttention);
  } catch {
    // The number is a hint only; the page itself says what is wrong.
  }
}
