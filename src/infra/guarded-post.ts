/** Posts JSON to a URL that somebody entered: to public addresses only, without following redirects. */
import { Agent } from 'undici';

import { AppError } from '../domain/errors.js';
import { headerText } from './answer-status.js';
import { startDeadline } from './deadline.js';
import { parseDownloadUrl } from './download-url.js';
import { checkAddress, createGuardedConnector, type LookupAll } from './guarded-connector.js';
import { networkError } from './network-error.js';
import { parseRetryAfter } from '../domain/retry-after.js';

export interface GuardedPostOptions {
  /** Exact `host` or `host:port` that may have addresses which are not public. */
  readonly allowPrivateHosts: readonly string[];
  /** Of a whole call. */
  readonly timeoutMs: number;
  readonly lookup?: LookupAll;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAt: Date | undefined;
}

export interface GuardedPost {
  /** Rejects with an AppError when there was no answer, or when the address is none that is posted to. */
  readonly post: (request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal?: AbortSignal;
  }) => Promise<PostAnswer>;
  /** Rejects with an AppError when a URL is none that would be posted to now. */
  readonly check: (url: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The answer's body is nothing we need; this much is read so that the connection can be kept. */
const mostAnswerBytes = 16_384;

export function createGuardedPost(options: GuardedPostOptions): GuardedPost {
  const agent = new Agent({ connect: createGuardedConnector(options), headersTimeout: 0, bodyTimeout: 0 });
  const parse = (url: string): URL => parseDownloadUrl(url, { allowPrivateHosts: options.allowPrivateHosts });
  return {
    // The parser's own refusals are rejections too.
    check: async (url) => checkAddress(parse(url), options),
    post: async ({ url: text, headers, body, signal: outer }) => {
      const url = parse(text);
      const deadline = startDeadline(options.timeoutMs, outer);
      try {
        const response = await deadline.race(
          agent.request({
            ...{ origin: url.origin, path: url.pathname + url.search, method: 'POST', body },
            headers: { 'content-type': 'application/json', 'user-agent': 'Inlet', ...headers },
            signal: deadline.signal,
          }),
        );
        response.body.on('error', () => undefined);
        await deadline.race(response.body.dump({ limit: mostAnswerBytes })).catch(() => undefined);
        return {
          status: response.statusCode,
          retryAt: parseRetryAfter(headerText(response.headers['retry-after']), new Date()),
        };
      } catch (error) {
        throw networkError(error, {
          ...{ host: url.host, signal: deadline.signal },
          otherwise: 'media.connection_failed',
        });
      } finally {
        deadline.clear();
      }
    },
    close: () => agent.destroy(),
  };
}

/** What is wrong, in words for whoever entered the URL. */
export function reasonOfNoAnswer(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return 'the call was broken off';
}
