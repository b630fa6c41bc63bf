import { storedChannels } from '../../compose/stored-channels.js';
import type { Config } from '../../config.js';
import { webhookUrlOf, type Channel } from '../../domain/channel.js';
import type { DatabaseState } from '../../infra/migrations/inspect-database.js';
import type { ChannelEntry } from '../../pipeline/channels/registry.js';
import { localAddress } from './address.js';
import { checkConnections } from './connections.js';
import type { Finding } from './finding.js';

const subject = 'channel';
const answerMs = 5_000;

/**
 * Lists each channel with its webhook address, and checks whether the APIs of the providers respond and
 * whether they call the channels.
 */
export async function checkChannels(config: Config, state: DatabaseState | undefined): Promise<Finding[]> {
  const publicUrl = config.publicUrl ?? localAddress(config);
  const stored = storedChannels(state?.channels ?? [], config);
  const active = stored.flatMap(({ enabled, channel }) => (enabled && channel ? [channel] : []));
  const all = [
    ...config.channels.map((channel) => ofSettings(channel, webhookUrlOf(publicUrl, channel.id))),
    ...stored.map((entry) => ofDatabase(entry, webhookUrlOf(publicUrl, entry.id))),
    ...(await Promise.all(config.providerUrls.map(checkProvider))),
    ...(await checkConnections([...config.channels, ...active], { ...config.fetch, publicUrl, answerMs })),
  ];
  if (all.length > 0) return all;
  const says =
    state === undefined
      ? 'none in the settings; channels that were added in the gallery are in the database'
      : 'none yet: set the webhook secret of a provider (see .env.example), or add one in the gallery';
  return [{ level: 'ok', subject, says }];
}

function ofSettings({ id, adapter }: Channel, address: string): Finding {
  const sends =
    adapter.sending === undefined ? 'cannot send, since settings for that are missing' : 'can send';
  return { level: 'ok', subject, says: `${id} receives webhooks at ${address}, and ${sends}` };
}

function ofDatabase({ id, enabled, problem }: ChannelEntry, address: string): Finding {
  if (problem !== null)
    return { level: 'warning', subject, says: `${id} cannot work: ${problem}; enter its settings again` };
  return {
    level: 'ok',
    subject,
    says: enabled ? `${id} receives webhooks at ${address}` : `${id} is disabled`,
  };
}

/** Any response is sufficient. No credentials are sent. */
async function checkProvider({ provider, url }: Config['providerUrls'][number]): Promise<Finding> {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(answerMs) });
    return { level: 'ok', subject: 'provider', says: `the API of ${provider} answers at ${url}` };
  } catch {
    return {
      level: 'warning',
      subject: 'provider',
      says: `the API of ${provider} does not answer at ${url}: let this machine reach it, or nothing can be sent`,
    };
  }
}
