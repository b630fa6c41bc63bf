import { path } from './addresses.js';
import type {
  Backfill,
  Channel,
  ChannelLimits,
  ChannelWithSecret,
  Connection,
  Preview,
  Provider,
} from './answers.js';
import { itemsOf } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A channel to add. */
export interface NewChannel {
  /** The service makes one from the name of the provider by default. */
  readonly id?: string | undefined;
  readonly provider: string;
  readonly name?: string | null | undefined;
  /** Values by the names that {@link ProviderClient.list} returns. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly retention?: Partial<Channel['retention']> | undefined;
}

/** Changes of a channel; members that are not given stay as they are. */
export interface ChannelChange {
  readonly name?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Each value replaces the setting of the same name; null removes it. */
  readonly settings?: Readonly<Record<string, string | null>> | undefined;
  readonly retention?: Partial<Channel['retention']> | undefined;
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
  /** Tells the provider the webhook address, and returns the state afterwards. */
  readonly connect: (id: string, options?: CallOptions) => Promise<Connection>;
  /** What the provider knows about the webhook. Each call asks the provider. */
  readonly connection: (id: string, options?: CallOptions) => Promise<Connection>;
  /**
   * Fetches messages whose webhooks did not arrive, from providers that still have them. Takes up to half a
   * minute; if the answer is not `complete`, a call with `until` of the answer continues.
   */
  readonly backfill: (id: string, since: Date, options?: BackfillOptions) => Promise<Backfill>;
  /** The limits for sending in the channel, and the options of its provider. */
  readonly limits: (id: string, options?: CallOptions) => Promise<ChannelLimits>;
}

export interface BackfillOptions extends CallOptions {
  /** The end of the period, by default now: `until` of an answer that was not complete. */
  readonly until?: Date;
}

/** The service fetches for 20 seconds, and waits for the last answer of the provider. */
const backfillMs = 50_000;

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
    connect: (id, options) => json({ ...options, method: 'POST', path: `${at(id)}/connect` }),
    connection: (id, options) => json({ ...options, method: 'GET', path: `${at(id)}/connection` }),
    backfill: (id, since, { until, ...options } = {}) =>
      json({
        ...options,
        waitMs: backfillMs,
        method: 'POST',
        path: `${at(id)}/backfill`,
        json: { since: since.toISOString(), ...(until && { until: until.toISOString() }) },
      }),
    limits: (id, options) => json({ ...options, method: 'GET', path: `${at(id)}/limits` }),
  };
}

/** A webhook, and the settings that it is to be tried with. */
export interface WebhookSample {
  /** Values by name. A secret that the service may choose can be missing. */
  readonly settings: Readonly<Record<string, string>>;
  /** The body of the webhook. */
  readonly payload: string;
  readonly contentType?: string | undefined;
}

/** Messaging companies that the service understands. */
export interface ProviderClient {
  /** The providers, with the settings that their channels need. */
  readonly list: (options?: CallOptions) => Promise<readonly Provider[]>;
  /** What a channel with these settings would make of a webhook. Nothing is stored. */
  readonly preview: (provider: string, webhook: WebhookSample, options?: CallOptions) => Promise<Preview>;
}

export function providerClient(transport: Transport): ProviderClient {
  return {
    list: (options) => itemsOf(transport, { path: '/v1/providers', options }),
    preview: (provider, webhook, options) =>
      transport.json({
        ...options,
        method: 'POST',
        path: path`/v1/providers/${provider}/preview`,
        json: webhook,
      }),
  };
}
