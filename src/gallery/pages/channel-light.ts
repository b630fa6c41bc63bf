/** The state of a channel as a coloured light with a sentence. */
import type { ChannelView } from '../api.js';
import { ago } from '../format.js';

const dayMs = 86_400_000;

export interface Light {
  readonly colour: 'green' | 'amber' | 'grey';
  readonly words: string;
}

type Activity = Pick<ChannelView, 'enabled' | 'lastWebhookAt' | 'lastRefusedAt'>;

export function lightOf({ enabled, lastWebhookAt, lastRefusedAt }: Activity, now = Date.now()): Light {
  if (!enabled) return { colour: 'grey', words: 'Disabled: its webhooks are refused' };
  if (lastRefusedAt !== null && (lastWebhookAt === null || lastRefusedAt > lastWebhookAt)) {
    return { colour: 'amber', words: `A request was refused ${ago(lastRefusedAt, now)}. Check the secret.` };
  }
  if (lastWebhookAt === null) return { colour: 'grey', words: 'No webhook yet' };
  const words = `Last webhook: ${ago(lastWebhookAt, now)}`;
  return { colour: now - new Date(lastWebhookAt).getTime() < dayMs ? 'green' : 'grey', words };
}
