import type { Config } from '../../config.js';
import type { DatabaseState } from '../../infra/migrations/inspect-database.js';
import { localAddress } from './address.js';
import type { Finding } from './finding.js';

const subject = 'channel';
const answerMs = 5_000;

/** Lists each channel with its webhook address, and checks whether the APIs of the providers respond. */
export async function checkChannels(config: Config, state: DatabaseState | undefined): Promise<Finding[]> {
  const base = config.publicUrl ?? localAddress(config);
  const addressOf = (id: string): string => `${base}/webhooks/${encodeURIComponent(id)}`;
  const fromSettings = config.channels.map(({ id, adapter }): Finding => {
    const sends =
      adapter.sending === undefined ? 'cannot send, since settings for that are missing' : 'can send';
    return { level: 'ok', subject, says: `${id} receives webhooks at ${addressOf(id)}, and ${sends}` };
  });
  const stored = (state?.channels ?? []).map(({ id, enabled }): Finding => ({
    level: 'ok',
    subject,
    says: enabled ? `${id} receives webhooks at ${addressOf(id)}` : `${id} is disabled`,
  }));
  const all = [...fromSettings, ...stored, ...(await Promise.all(config.providerUrls.map(checkProvider)))];
  if (all.length > 0) return all;
  const says =
    state === undefined
      ? 'none in the settings; channels that were added in the gallery are in the database'
      : 'none yet: set the webhook secret of a provider (see .env.example), or add one in the gallery';
  return [{ level: 'ok', subject, says }];
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
