/**
 * Tells a provider the address of a channel, and asks what the provider knows about it. Nothing that a
 * provider says is stored.
 */
import type { Channel } from '../../domain/channel.js';
import { webhookUrlOf } from '../../domain/channel.js';
import type { Connection, WebhookState } from '../../domain/connection.js';
import { AppError, isMediaError } from '../../domain/errors.js';
import type { Http } from '../../domain/provider.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import { looksPublic } from '../../infra/net/public-address.js';
import type { Audit } from '../../infra/tables/audit.js';
import { recorded } from './recorded.js';
import type { ChannelEntry, ChannelRegistry } from './registry.js';

/** What is known about the webhook of a channel. */
export type ConnectionReport =
  | { readonly supported: false; readonly reason: string }
  | ({ readonly supported: true } & Omit<WebhookState, 'isConnected'> & {
        /** Null if the provider has taken the address but could not be asked about it. */
        readonly isConnected: boolean | null;
      });

export interface ConnectChannels {
  /**
   * Makes the provider call the channel, and resolves to the state afterwards. Rejects with
   * `channel.not_found`, `channel.not_connectable`, `channel.provider_refused` or
   * `channel.provider_unavailable`. `actor` is the id of the token that is used.
   */
  readonly connect: (id: string, actor: string) => Promise<ConnectionReport>;
  /**
   * Asks the provider. Rejects like `connect`, except that a channel without a connection has a report, too.
   */
  readonly state: (id: string) => Promise<ConnectionReport>;
}

interface ConnectDependencies {
  readonly channels: Pick<ChannelRegistry, 'entry'>;
  readonly providers: readonly ProviderKind[];
  readonly http: (channel: Channel) => Http;
  readonly audit: Pick<Audit, 'record'>;
  readonly publicUrl: string;
}

export function createConnectChannels(dependencies: ConnectDependencies): ConnectChannels {
  const { channels, providers, http, audit, publicUrl } = dependencies;
  const find = (id: string): ChannelEntry => {
    const entry = channels.entry(id);
    if (!entry) throw new AppError('channel.not_found', 'there is no such channel');
    return entry;
  };
  return {
    connect: async (id, actor) => {
      const entry = find(id);
      const connectable = connectionOf(entry, providers);
      if ('reason' in connectable) throw new AppError('channel.not_connectable', connectable.reason);
      if (!entry.enabled)
        throw new AppError('channel.not_connectable', 'the channel is disabled: enable it first');
      const { connection, channel } = connectable;
      const call = calledFrom(publicUrl, http(channel));
      await recorded(audit, {
        actor,
        action: 'channel.connect',
        channel: id,
        success: 'connected',
        run: () => inWordsOfChannels(() => connection.connect(webhookUrlOf(publicUrl, id), call)),
      });
      return afterwards(() => connection.state(webhookUrlOf(publicUrl, id), http(channel)));
    },
    state: async (id) => {
      const connectable = connectionOf(find(id), providers);
      if ('reason' in connectable) return { supported: false, reason: connectable.reason };
      const { connection, channel } = connectable;
      const state = await inWordsOfChannels(() =>
        connection.state(webhookUrlOf(publicUrl, id), http(channel)),
      );
      return { supported: true, ...state };
    },
  };
}

/** Whether the provider of a channel can be told its address. */
export function canConnect({ channel, enabled }: Pick<ChannelEntry, 'channel' | 'enabled'>): boolean {
  return enabled && channel?.adapter.connection !== undefined;
}

type Connectable =
  | { readonly connection: Connection; readonly channel: Channel }
  /** Why there is no connection, for people. */
  | { readonly reason: string };

function connectionOf(
  { channel, provider, problem }: ChannelEntry,
  providers: readonly ProviderKind[],
): Connectable {
  if (!channel) return { reason: `the channel cannot work: ${problem ?? 'it cannot be set up'}` };
  const { connection } = channel.adapter;
  if (connection) return { connection, channel };
  const connecting = providers.find(({ id }) => id === provider)?.connecting ?? { needs: [] };
  if ('absent' in connecting) return { reason: connecting.absent };
  const needs = connecting.needs.map((names) => names.join(' and ')).join(', or ');
  return { reason: `the channel lacks settings for this (needed: ${needs})` };
}

/**
 * Refuses to call a provider on the internet while nothing there can reach this service. A provider at an
 * address that is not public is a simulator or a gateway in the same network, which may reach it.
 */
function calledFrom(publicUrl: string, http: Http): Http {
  const own = new URL(publicUrl);
  const isReachable = looksPublic(own) && own.protocol === 'https:';
  return async (request) => {
    if (!isReachable && URL.canParse(request.url) && looksPublic(new URL(request.url)))
      throw new AppError(
        'channel.not_connectable',
        `this service is at ${publicUrl}, which the provider cannot call: set PUBLIC_URL to its https:// address on the internet`,
      );
    return http(request);
  };
}

/**
 * The state after the provider has taken the address. That it cannot be read is not a failure of the
 * connection.
 */
async function afterwards(readState: () => Promise<WebhookState>): Promise<ConnectionReport> {
  try {
    return { supported: true, ...(await inWordsOfChannels(readState)) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const note = `The provider has taken the address, but could not be asked about it: ${error.message}.`;
    return { supported: true, url: null, isConnected: null, pending: null, lastError: null, notes: [note] };
  }
}

/** Codes of media describe failed calls. To the caller, they are about the channel and its provider. */
export async function inWordsOfChannels<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof AppError && isMediaError(error.code) ? asChannelError(error) : error;
  }
}

/** These follow from the setting with the address of the API. */
const addressCodes: ReadonlySet<string> = new Set([
  'media.invalid_url',
  'media.forbidden_address',
  'media.forbidden_port',
]);

function asChannelError(error: AppError): AppError {
  const { retryAt } = error;
  const options = { cause: error, ...(retryAt && { retryAt }) };
  const message =
    error.code === 'media.timeout'
      ? `the API of the provider did not answer in time: ${error.message}`
      : error.message;
  if (addressCodes.has(error.code)) return new AppError('channel.not_connectable', message, options);
  const isPassing = error.retryable || error.code === 'media.too_large';
  return new AppError(
    isPassing ? 'channel.provider_unavailable' : 'channel.provider_refused',
    message,
    options,
  );
}
