import type { HostPattern } from './provider.js';
import type { ProviderAdapter } from './provider-adapter.js';

/** Who set it up: the operator's environment, or somebody over HTTP at run time. */
export type ChannelSource = 'environment' | 'database';

/** One account at one provider. */
export interface Channel {
  readonly id: string;
  readonly provider: string;
  /** What one of the database asks for on the network is kept to public addresses, like what strangers ask for. */
  readonly source: ChannelSource;
  /** Names of the settings that have a value. */
  readonly settings: readonly string[];
  readonly adapter: ProviderAdapter;
}

/** The channels that exist now. */
export interface Channels {
  /** One that takes webhooks and uploads. */
  readonly find: (id: string) => Channel | undefined;
  /** Also one that is disabled: what it took before is still fetched and read again. */
  readonly known: (id: string) => Channel | undefined;
}

/** Whether a URL's host is one of these: exact `host` or `host:port` as text, or a pattern for the whole host name. */
export function matchesHost(url: URL, patterns: readonly HostPattern[]): boolean {
  return patterns.some((pattern) =>
    typeof pattern === 'string'
      ? pattern === url.hostname || pattern === hostWithPort(url)
      : pattern.test(url.hostname),
  );
}

function hostWithPort(url: URL): string {
  return url.port === '' ? `${url.hostname}:${url.protocol === 'https:' ? '443' : '80'}` : url.host;
}
