/** The number of problems, which the navigation shows. */
import { signal } from '@preact/signals';

import { api, type StatsView } from './api.js';

export const attentionCount = signal(0);
/** Older problems are not counted, because nobody waits for them any more. */
export const attentionDays = 30;

export function countAttention({ late, failed, rejected, malformed }: StatsView['needsAttention']): number {
  return late + failed + rejected + malformed;
}

export async function refreshAttention(): Promise<void> {
  try {
    attentionCount.value = countAttention((await api.stats({ days: attentionDays })).needsAttention);
  } catch {
    // The number is only a hint; the page itself reports the error.
  }
}
