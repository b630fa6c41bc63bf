/** Calls to others: downloads, providers' APIs, subscribers. Every one of them can be cut off when the process ends. */
import type { Config } from '../config.js';
import type { Channel } from '../domain/channel.js';
import type { Http } from '../domain/provider.js';
import { createGuardedPost } from '../infra/net/guarded-post.js';
import { createHttp } from '../infra/net/http-client.js';
import { createSafeFetch } from '../infra/net/safe-fetch.js';
import type { Patience } from '../infra/process/patience.js';

export type Calls = ReturnType<typeof createCalls>;

/** A subscriber has this long to take an event. */
const subscriberTimeoutMs = 15_000;

export function createCalls({ fetch: limits }: Config) {
  const download = createSafeFetch(limits);
  const http = createHttp({ timeoutMs: limits.timeoutMs });
  const guardedHttp = createHttp({
    timeoutMs: limits.timeoutMs,
    publicAddressesAnd: limits.allowPrivateHosts,
  });
  const post = createGuardedPost({ ...limits, timeoutMs: subscriberTimeoutMs });
  const cutOff = (): Promise<unknown> => Promise.all([download.close(), http.close(), guardedHttp.close()]);

  return {
    download,
    post,
    /** A channel that was added at run time names its API's address itself, so that only public addresses are called for it. */
    httpOf: ({ source }: Channel): Http => (source === 'environment' ? http : guardedHttp),
    /** Downloads and calls to providers that are still under way fail. */
    cutOff,
    close: (patience: Patience): Promise<void> =>
      patience.waitFor('calls that are under way', Promise.all([cutOff(), post.close()])),
  };
}
