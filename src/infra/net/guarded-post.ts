/** Posts JSON to a URL that a user has entered: to public addresses only, without following redirects. */
import { Agent } from 'undici';

import { AppError } from '../../domain/errors.js';
import { parseRetryAfter } from '../../domain/retry-after.js';
import { startDeadline } from '../process/deadline.js';
import { headerText } from './answer-status.js';
import { parseDownloadUrl } from './download-url.js';
import { checkAddress, createGuardedConnector, type LookupAll } from './guarded-connector.js';
import { networkError } from './network-error.js';

export interface GuardedPostOptions {
  /** Exact `host` or `host:port` entries that may have private addresses. */
  readonly allowPrivateHosts: readonly string[];
  /** Timeout for the whole call, including the body. */
  readonly timeoutMs: number;
  readonly lookup?: LookupAll;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAt: Date | undefined;
  /** The beginning of the response body as text on one line; null if it is empty. */
  readonly excerpt: string | null;
}

export interface GuardedPost {
  /** Rejects with an AppError if there was no response or the address is not allowed. */
  readonly post: (request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal?: AbortSignal;
  }) => Promise<PostAnswer>;
  /** Rejects with an AppError if a post to the URL would be refused now. */
  readonly check: (url: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The response body is read up to this size, so that the connection can be reused. */
const maxAnswerBytes = 16_384;
/** Enough to recognise an error page or a message. */
const excerptBytes = 512;

export function createGuardedPost(options: GuardedPostOptions): GuardedPost {
  const agent = new Agent({
    allowH2: false,
    connect: createGuardedConnector(options),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const parse = (url: string): URL => parseDownloadUrl(url, { allowPrivateHosts: options.allowPrivateHosts });
  return {
    // The errors of the parser become rejections, too.
    check: async (url) => checkAddress(parse(url), options),
    post: async ({ url: text, headers, body, signal: callerSignal }) => {
      const url = parse(text);
      const deadline = startDeadline(options.timeoutMs, callerSignal);
      try {
        const response = await deadline.race(
          agent.request({
            origin: url.origin,
            path: url.pathname + url.search,
            method: 'POST',
            body,
            headers: { 'content-type': 'application/json', 'user-agent': 'Inlet', ...headers },
            signal: deadline.signal,
          }),
        );
        response.body.on('error', () => undefined);
        const read: Buffer[] = [];
        await deadline.race(readBeginning(response.body, read)).catch(() => undefined);
        return {
          status: response.statusCode,
          excerpt: excerptOf(read),
          retryAt: parseRetryAfter(headerText(response.headers['retry-after']), new Date()),
        };
      } catch (error) {
        throw networkError(error, {
          host: url.host,
          signal: deadline.signal,
          fallbackCode: 'media.connection_failed',
        });
      } finally {
        deadline.clear();
      }
    },
    close: () => agent.destroy(),
  };
}

/** Fills `read` until the end of the body or the maximum size. */
async function readBeginning(body: AsyncIterable<Buffer>, read: Buffer[]): Promise<void> {
  let bytes = 0;
  for await (const chunk of body) {
    read.push(chunk);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) return;
  }
}

/** Control characters are removed: they are useless to readers, and JSON in PostgreSQL does not allow NUL. */
function excerptOf(read: readonly Buffer[]): string | null {
  const text = Buffer.concat(read).subarray(0, excerptBytes).toString('utf8');
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return line === '' ? null : line;
}

/** Describes the failure for the person who entered the URL. */
export function describeCallFailure(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return 'the call was aborted';
}
