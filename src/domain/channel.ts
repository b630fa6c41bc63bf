import type { HostPattern, ProviderAdapter } from './provider.js';

/** One account at one provider. */
export interface Channel {
  readonly id: string;
  readonly provider: string;
  readonly adapter: ProviderAdapter;
}

/** The channels that exist now. */
export interface Channels {
  readonly find: (id: string) => Channel | undefined;
  readonly all: () => readonly Channel[];
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
