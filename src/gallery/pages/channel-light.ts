/** The state of a channel as a coloured light with a sentence. */
import type { ChannelView } from '../api.js';
import { ago } from '../format.js';
import { t } from '../languages/text.js';

const dayMs = 86_400_000;

export interface Light {
  readonly colour: 'green' | 'amber' | 'grey';
  readonly words: string;
}

type Activity = Pick<ChannelView, 'enabled' | 'lastWebhookAt' | 'lastRefusedAt'>;

export function lightOf({ enabled, lastWebhookAt, lastRefusedAt }: Activity, now = Date.now()): Light {
  if (!enabled) return { colour: 'grey', words: t('channel_light.disabled') };
  if (lastRefusedAt !== null && (lastWebhookAt === null || lastRefusedAt > lastWebhookAt)) {
    return { colour: 'amber', words: t('channel_light.refused', { ago: ago(lastRefusedAt, now) }) };
  }
  if (lastWebhookAt === null) return { colour: 'grey', words: t('channel_light.nothing') };
  const words = t('channel_light.last', { ago: ago(lastWebhookAt, now) });
  return { colour: now - new Date(lastWebhookAt).getTime() < dayMs ? 'green' : 'grey', words };
}
