import { webhookUrlOf, type Channel } from '../../domain/channel.js';
import type { WebhookState } from '../../domain/connection.js';
import { AppError } from '../../domain/errors.js';
import type { Http } from '../../domain/provider.js';
import { createHttp } from '../../infra/net/http-client.js';
import type { Finding } from './finding.js';

const subject = 'connection';

interface Asking {
  readonly publicUrl: string;
  /** The timeout of one call. */
  readonly answerMs: number;
  readonly allowPrivateHosts: readonly string[];
}

/**
 * Asks the provider of each channel whether it calls the channel, as far as the provider can be asked.
 * Changes nothing there.
 */
export async function checkConnections(
  channels: readonly Channel[],
  { publicUrl, answerMs, allowPrivateHosts }: Asking,
): Promise<Finding[]> {
  const http = createHttp({ timeoutMs: answerMs });
  // As in the service: a channel that was added at run time sets the URL of its API itself.
  const guardedHttp = createHttp({ timeoutMs: answerMs, allowOnlyPublicAnd: allowPrivateHosts });
  try {
    const found = await Promise.all(
      channels.map((channel) =>
        check(channel, publicUrl, channel.source === 'environment' ? http : guardedHttp),
      ),
    );
    return found.filter((finding) => finding !== undefined);
  } finally {
    await Promise.all([http.close(), guardedHttp.close()]);
  }
}

async function check({ id, adapter }: Channel, publicUrl: string, http: Http): Promise<Finding | undefined> {
  const address = webhookUrlOf(publicUrl, id);
  try {
    const state = await adapter.connection?.state(address, http);
    return state && findingOf(id, address, state);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const says = `the provider of ${id} cannot be asked about its webhook: ${error.message}; check the settings of the channel`;
    return { level: 'warning', subject, says };
  }
}

function findingOf(
  id: string,
  address: string,
  { url, isConnected, lastError, notes }: WebhookState,
): Finding {
  const more = notes.length === 0 ? '' : ` ${notes.join(' ')}`;
  if (!isConnected) {
    const says = `${faultOf(id, address, url)}: choose Connect in the gallery, or call POST /v1/channels/${id}/connect.${more}`;
    return { level: 'warning', subject, says };
  }
  return lastError === null
    ? { level: 'ok', subject, says: `the provider of ${id} calls it.${more}` }
    : { level: 'warning', subject, says: `the provider of ${id} reports: ${lastError.message}${more}` };
}

function faultOf(id: string, address: string, url: string | null): string {
  if (url === null) return `the provider of ${id} calls no address`;
  return url === address
    ? `the provider of ${id} does not call it as it should`
    : `the provider of ${id} calls ${url} instead of ${address}`;
}
