import { path } from './addresses.js';
import type { Channel, ChannelLimits, ChannelWithSecret, Provider } from './answers.js';
import { itemsOf } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A channel to add. */
export interface NewChannel {
  /** By default the service makes one from the name of the provider. */
  readonly id?: string | undefined;
  readonly provider: string;
  readonly name?: string | null | undefined;
  /** Values by the names that {@link ProviderClient.list} returns. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Changes of a channel; members that are not given stay as they are. */
export interface ChannelChange {
  readonly name?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Each value replaces the setting of the same name; null removes it. */
  readonly settings?: Readonly<Record<string, string | null>> | undefined;
}

/** Accounts at providers. */
export interface ChannelClient {
  readonly list: (options?: CallOptions) => Promise<readonly Channel[]>;
  readonly get: (id: string, options?: CallOptions) => Promise<Channel>;
  /** The answer contains the webhook secret if the service has generated it. */
  readonly create: (channel: NewChannel, options?: CallOptions) => Promise<ChannelWithSecret>;
  readonly change: (id: string, change: ChannelChange, options?: CallOptions) => Promise<Channel>;
  /** Generates a new webhook secret. The previous secret stays valid until the next rotation. */
  readonly rotate: (id: string, options?: CallOptions) => Promise<ChannelWithSecret>;
  /** Removes a channel. Its media stay. */
  readonly delete: (id: string, options?: CallOptions) => Promise<void>;
  /** The limits for sending in the channel, and the options of its provider. */
  readonly limits: (id: string, options?: CallOptions) => Promise<ChannelLimits>;
}

export function channelClient(transport: Transport): ChannelClient {
  const { json } = transport;
  const at = (id: string) => path`/v1/channels/${id}`;
  return {
    list: (options) => itemsOf(transport, { path: '/v1/channels', options }),
    get: (id, options) => json({ ...options, method: 'GET', path: at(id) }),
    create: (channel, options) => json({ ...options, method: 'POST', path: '/v1/channels', json: channel }),
    change: (id, change, options) => json({ ...options, method: 'PATCH', path: at(id), json: change }),
    rotate: (id, options) => json({ ...options, method: 'POST', path: `${at(id)}/rotate` }),
    delete: (id, options) => json({ ...options, method: 'DELETE', path: at(id) }),
    limits: (id, options) => json({ ...options, method: 'GET', path: `${at(id)}/limits` }),
  };
}

/** Messaging companies that the service understands. */
export interface ProviderClient {
  /** The providers, with the settings that their channels need. */
  readonly list: (options?: CallOptions) => Promise<readonly Provider[]>;
}

export function providerClient(transport: Transport): ProviderClient {
  return { list: (options) => itemsOf(transport, { path: '/v1/providers', options }) };
}
