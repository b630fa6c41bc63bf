/**
 * The ways in which the service connects to a stranger's address: downloads, subscriptions, and APIs of
 * channels that were added at run time.
 */
import { Agent, request as ask } from 'undici';

import { checkAddress, type LookupAll } from '../../infra/net/guarded-connector.js';
import { createGuardedPost } from '../../infra/net/guarded-post.js';
import { createHttp } from '../../infra/net/http-client.js';
import { isPublicAddress } from '../../infra/net/public-address.js';
import { createSafeFetch } from '../../infra/net/safe-fetch.js';

export interface Way {
  readonly name: 'download' | 'subscription' | 'api';
  /** Resolves if a server answered. */
  readonly go: (url: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

export interface Ways {
  readonly all: readonly Way[];
  /** The message for the person who enters a URL. */
  readonly check: (url: string) => Promise<void>;
}

interface Options {
  readonly lookup: LookupAll;
  readonly allowPrivateHosts: readonly string[];
  /** How long a connection may take: by default short, because one to an unassigned address takes all of it. */
  readonly timeoutMs?: number;
}

const standardTimeoutMs = 400;

export function guardedWays(options: Options): Ways {
  const { timeoutMs = standardTimeoutMs } = options;
  const download = createSafeFetch({ ...options, timeoutMs });
  const post = createGuardedPost({ ...options, timeoutMs });
  const { lookup, allowPrivateHosts: publicAddressesAnd } = options;
  const api = createHttp({ timeoutMs, lookup, allowOnlyPublicAnd: publicAddressesAnd });
  return {
    check: post.check,
    all: [
      {
        name: 'download',
        go: (url) => download.open({ url, credentials: () => ({}), maxBytes: 1_000, extraPorts: () => true }),
        close: download.close,
      },
      { name: 'subscription', go: (url) => post.post({ url, headers: {}, body: '{}' }), close: post.close },
      { name: 'api', go: (url) => api({ method: 'GET', url }), close: api.close },
    ],
  };
}

/** The client for the operator's own addresses, used here for addresses of other people. */
export function unguardedApi(options: Options): Ways {
  const ways = guardedWays(options);
  const api = createHttp({ timeoutMs: options.timeoutMs ?? standardTimeoutMs });
  const open: Way = { name: 'api', go: (url) => api({ method: 'GET', url }), close: api.close };
  return { ...ways, all: ways.all.map((way) => (way.name === 'api' ? open : way)) };
}

/** Checks first and connects afterwards, with another lookup of the name. */
export function resolvingTwice(options: Options): Ways {
  const ways = guardedWays(options);
  const agent = new Agent({
    connect: {
      timeout: standardTimeoutMs,
      lookup: (name, _, callback) => {
        options.lookup(name).then(
          (found) => {
            callback(null, [...found]);
          },
          () => {
            callback(new Error('unknown'), []);
          },
        );
      },
    },
  });
  const hasty: Way = {
    name: 'download',
    go: async (url) => {
      await checkAddress(new URL(url), options);
      return ask(url, { dispatcher: agent, signal: AbortSignal.timeout(standardTimeoutMs) });
    },
    close: () => agent.destroy(),
  };
  return { ...ways, all: ways.all.map((way) => (way.name === 'download' ? hasty : way)) };
}

/** Accepts a name if one of its addresses is public, and connects to all of them. */
export function dialingAll(options: Options): Ways {
  const ways = guardedWays(options);
  const agent = new Agent({
    connect: {
      timeout: standardTimeoutMs,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 50,
      lookup: (name, _, callback) => {
        options.lookup(name).then(
          (found) => {
            if (found.some(({ address }) => isPublicAddress(address))) callback(null, [...found]);
            else callback(new Error('not public'), []);
          },
          () => {
            callback(new Error('unknown'), []);
          },
        );
      },
    },
  });
  const careless: Way = {
    name: 'download',
    go: (url) => ask(url, { dispatcher: agent, signal: AbortSignal.timeout(standardTimeoutMs) }),
    close: () => agent.destroy(),
  };
  return { ...ways, all: ways.all.map((way) => (way.name === 'download' ? careless : way)) };
}

/** Treats a part of the internet as a private network. */
export function refusingTooMuch(options: Options): Ways {
  const ways = guardedWays(options);
  return {
    ...ways,
    check: async (url) => {
      if (new URL(url).hostname.startsWith('172.')) throw new Error('not a public address');
      await ways.check(url);
    },
  };
}
