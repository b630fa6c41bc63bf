/** Outgoing calls: downloads, APIs of providers, subscribers. All of them can be aborted at shutdown. */
import type { Config } from '../config.js';
import type { Channel } from '../domain/channel.js';
import type { Http } from '../domain/provider.js';
import { createGuardedPost } from '../infra/net/guarded-post.js';
import { createHttp } from '../infra/net/http-client.js';
import { createSafeFetch } from '../infra/net/safe-fetch.js';
import type { ShutdownBudget } from '../infra/process/shutdown-budget.js';

export type Calls = ReturnType<typeof createCalls>;

/** The time that a subscriber has to accept an event. */
const subscriberTimeoutMs = 15_000;

/** The time that an identity provider has to answer: a person waits for it. */
const signInTimeoutMs = 10_000;

export function createCalls({ fetch: limits }: Config) {
  const download = createSafeFetch(limits);
  const http = createHttp({ timeoutMs: limits.timeoutMs });
  const guardedHttp = createHttp({
    timeoutMs: limits.timeoutMs,
    allowOnlyPublicAnd: limits.allowPrivateHosts,
  });
  const signIn = createHttp({
    timeoutMs: signInTimeoutMs,
    allowOnlyPublicAnd: limits.allowPrivateHosts,
  });
  const post = createGuardedPost({ ...limits, timeoutMs: subscriberTimeoutMs });
  const abortCalls = (): Promise<unknown> =>
    Promise.all([download.close(), http.close(), guardedHttp.close(), signIn.close()]);

  return {
    download,
    post,
    /** For the identity provider, which names addresses itself: they must be public, or listed. */
    signIn: signIn as Http,
    /**
     * A channel that was added at run time sets the URL of its API itself, so it may only call public
     * addresses.
     */
    httpOf: ({ source }: Channel): Http => (source === 'environment' ? http : guardedHttp),
    /** Makes running downloads and calls to providers fail. */
    abort: abortCalls,
    close: (budget: ShutdownBudget): Promise<void> =>
      budget.waitFor('running calls', Promise.all([abortCalls(), post.close()])),
  };
}
