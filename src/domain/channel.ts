import { listsHost } from './host-list.js';
import type { HostPattern } from './provider.js';
import type { ProviderAdapter } from './provider-adapter.js';

/** Where the channel was configured: in the operator's environment, or over HTTP at run time. */
export type ChannelSource = 'environment' | 'database';

/** One account at one provider. */
export interface Channel {
  readonly id: string;
  readonly provider: string;
  /** Calls of a channel from the database are restricted to public addresses, like downloads. */
  readonly source: ChannelSource;
  /** The names of the settings that have a value. */
  readonly settings: readonly string[];
  readonly adapter: ProviderAdapter;
}

/** The channels that exist now. */
export interface Channels {
  /** Finds a channel that accepts webhooks and uploads. */
  readonly active: (id: string) => Channel | undefined;
  /** Finds a channel even if it is disabled: what it received earlier is still downloaded and replayed. */
  readonly any: (id: string) => Channel | undefined;
  /** All channels of a provider, disabled ones too. */
  readonly ofProvider: (provider: string) => readonly Channel[];
}

/** The address of a channel's webhooks. */
export function webhookUrlOf(publicUrl: string, channel: string): string {
  return `${publicUrl}/webhooks/${channel}`;
}

/**
 * Whether the host of a URL matches: an exact `host` or `host:port` as text, or a pattern for the whole host
 * name.
 */
export function matchesHost(url: URL, patterns: readonly HostPattern[]): boolean {
  return patterns.some((pattern) =>
    typeof pattern === 'string' ? listsHost([pattern], url) : pattern.test(url.hostname),
  );
}
