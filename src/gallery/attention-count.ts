/** The number of problems, which the navigation shows. */
import { computed, signal } from '@preact/signals';

import { api, type AlertView, type StatsView } from './api.js';
import { withFewRequests } from './few-requests.js';

/** Files and webhooks that need attention. */
const troubles = signal(0);
/** What is wrong with the service, the newest of it; more would fill any page. */
export const openAlerts = signal<readonly AlertView[]>([]);
export const attentionCount = computed(() => troubles.value + openAlerts.value.length);

/** Older problems are not counted, because nobody waits for them any more. */
export const attentionDays = 30;
const mostAlerts = 200;

export function noteTroubles({ late, failed, rejected, malformed }: StatsView['needsAttention']): void {
  troubles.value = late + failed + rejected + malformed;
}

export async function loadAlerts(): Promise<readonly AlertView[]> {
  const { items } = await api.alerts({ limit: mostAlerts }).page();
  openAlerts.value = items;
  return items;
}

/** Asks the service; many events lead to few requests. */
export const refreshAttention = withFewRequests(async () => {
  try {
    const [{ needsAttention }] = await Promise.all([api.stats({ days: attentionDays }), loadAlerts()]);
    noteTroubles(needsAttention);
  } catch {
    // The number is only a hint; the page itself reports the error.
  }
});
