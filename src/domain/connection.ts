/**
 * The terms of connecting a channel over its provider's own API. Like sending, the only I/O is the {@link
 * Http} port.
 */
import type { Http } from './provider.js';

/** The provider's own view of the webhook. Texts come from the provider, without secrets. */
export interface WebhookState {
  /**
   * The address that the provider calls, without its query, which may hold a secret; null if there is none.
   */
  readonly url: string | null;
  /** Whether that address is the one of this channel, with everything that the channel needs. */
  readonly isConnected: boolean;
  /** The number of events that wait for delivery; null if the provider does not tell. */
  readonly pending: number | null;
  /** What the provider reports as failing, such as its last call of the webhook. */
  readonly lastError: { readonly message: string; readonly at: Date | null } | null;
  /** What else a person should know, one sentence each. */
  readonly notes: readonly string[];
}

export interface Connection {
  /**
   * Makes the provider call this address of the channel. The adapter adds its secret where the provider needs
   * it in the address. Rejects with an AppError whose message is for people: `channel.provider_refused`,
   * `channel.provider_unavailable`, or what {@link Http} rejects with. No message holds a secret.
   */
  readonly connect: (webhookUrl: string, http: Http) => Promise<void>;
  /** Asks the provider, and changes nothing. Rejects like `connect`. */
  readonly state: (webhookUrl: string, http: Http) => Promise<WebhookState>;
  /**
   * The messages with media of a period that the provider still has, in pages, the newest first. For
   * providers that send a webhook only once. Rejects like `state`.
   */
  readonly missed?: (period: Period, http: Http) => AsyncIterable<MissedPage>;
}

/** When messages were sent. Both times belong to it. */
export interface Period {
  readonly since: Date;
  /** By default now. */
  readonly until?: Date | undefined;
}

export interface MissedPage {
  /** The messages with media. */
  readonly messages: readonly MissedMessage[];
  /** When the oldest message of the page was sent, with media or without; null if no message has a time. */
  readonly oldest: Date | null;
}

/** A message that the provider has, and whose webhook may not have arrived. */
export interface MissedMessage {
  /** As in its webhook. */
  readonly messageId: string;
  readonly sentAt: Date | null;
  /**
   * The message with its media, as JSON. The adapter's `parse` understands it as it understands the webhook,
   * with the same ids. Asks the provider, and rejects like {@link Connection.state}.
   */
  readonly payload: () => Promise<unknown>;
}

/**
 * What the channels of a provider need for a connection: one complete group of settings is enough. Or the
 * reason why no channel has one, as a sentence for people.
 */
export type Connecting = { readonly needs: readonly (readonly string[])[] } | { readonly absent: string };
