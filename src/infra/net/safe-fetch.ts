/**
 * Downloads from URLs that strangers chose. Every hop is checked from scratch, bytes are counted while they
 * stream, and one deadline covers everything. Errors are AppErrors; their messages name the host only,
 * because paths and queries contain signatures.
 */
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { AppError, isMediaError, mediaErrorVerdict } from '../../domain/errors.js';
import type { HeaderRecord, MaybePromise } from '../../domain/provider.js';
import { startDeadline, type Deadline } from '../process/deadline.js';
import { headerList, headerText, isWhole, refusalError, unicodeText } from './answer-status.js';
import { decode, parseContentCodings, tooLarge } from './decompression.js';
import { parseDownloadUrl } from './download-url.js';
import { createGuardedConnector, type LookupAll } from './guarded-connector.js';
import { listsHost } from '../../domain/host-list.js';
import {
  discard,
  firstBytes,
  parseLength,
  infoFromBytes,
  infoFromHead,
  type ReceivedResponse,
  type LinkInfo,
} from './link-info.js';
import { networkError } from './network-error.js';
import { unlimitedPace, watchPace, type Pace } from './pace.js';
import { maxHeadBytes, tolerantHeads } from './strict-heads.js';

export type { LookupAll } from './guarded-connector.js';

export interface SafeFetchOptions {
  /**
   * Exact `host` or `host:port` entries in lower case that may have private addresses and use the listed
   * port.
   */
  readonly allowPrivateHosts: readonly string[];
  /**
   * Timeout for the whole download, including the body. A download that makes progress may take longer, see
   * pace.ts.
   */
  readonly timeoutMs: number;
  /** Resolves names; by default the system's resolver. */
  readonly lookup?: LookupAll;
  readonly userAgent?: string;
  readonly now?: () => Date;
}

export interface DownloadRequest {
  readonly url: string;
  /**
   * Returns headers with credentials for this URL, or `{}` if it must not have any. Called for the first hop,
   * and again only while the origin stays the same; never for a plain http URL unless its host is listed.
   */
  readonly credentials: (url: URL) => MaybePromise<HeaderRecord>;
  /** Whether the host and port of this URL were configured for the channel. */
  readonly extraPorts?: (url: URL) => boolean;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

export interface Download {
  readonly contentType: string | null;
  /** The declared number of bytes; null if it is not declared or the body is compressed. */
  readonly contentLength: number | null;
  /**
   * The decoded bytes, which can be read once. Rejects with `media.too_large`, `media.empty`,
   * `media.truncated` or `media.timeout`, the latter also for a slow transfer. The connection is released at
   * the end, when the reader stops early, and at the deadline.
   */
  readonly body: AsyncIterable<Buffer>;
  /** The URL of the bytes, after redirects. */
  readonly url: URL;
}

export interface SafeFetch {
  /**
   * Resolves when the headers of the picture have arrived. Rejects with an AppError or with the reason of
   * `signal`.
   */
  readonly open: (request: DownloadRequest) => Promise<Download>;
  /**
   * Asks for the type and length of a link without downloading all of it: with HEAD first, and with the first
   * bytes if the host does not support HEAD or `isSufficient` rejects the result. Undefined if the host
   * supports neither. Rejects if the link may not be followed, and with `media.gone` if the file does not
   * exist.
   */
  readonly probe: (request: ProbeRequest) => Promise<LinkInfo | undefined>;
  /** Closes all connections; running downloads fail with an error that can be retried. */
  readonly close: () => Promise<void>;
}

export interface ProbeRequest {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Whether the facts from the host's headers are enough. */
  readonly isSufficient: (info: LinkInfo) => boolean;
}

type Response = Dispatcher.ResponseData;

interface Context {
  readonly method: 'GET' | 'HEAD';
  /** The requested `Range`. */
  readonly range?: string;
  readonly agent: Agent;
  readonly options: SafeFetchOptions;
  readonly request: DownloadRequest;
  readonly deadline: Deadline;
  readonly pace: Pace;
}

const maxRedirects = 5;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * The `Keep-Alive: timeout` of a host is respected up to `max`, so that hosts cannot make the service hoard
 * sockets.
 */
const keepAliveMs = { default: 4000, max: 15_000 };

export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const agent = new Agent({
    allowH2: false,
    connect: tolerantHeads(createGuardedConnector(options)),
    maxHeaderSize: maxHeadBytes,
    keepAliveTimeout: keepAliveMs.default,
    keepAliveMaxTimeout: keepAliveMs.max,
    // The deadline below covers these timeouts, and undici's own timers are coarse.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    open: async (request) => {
      const slow = new AbortController();
      const signal = AbortSignal.any([slow.signal, ...(request.signal ? [request.signal] : [])]);
      const deadline = startDeadline(options.timeoutMs, signal);
      const pace = watchPace((error) => {
        slow.abort(error);
      }, deadline);
      const context = { method: 'GET', agent, options, request, deadline, pace } as const;
      try {
        return toDownload(await followRedirects(context), context);
      } catch (error) {
        pace.end();
        deadline.clear();
        throw error;
      }
    },
    probe: async ({ url, signal, isSufficient }) => {
      const deadline = startDeadline(options.timeoutMs, signal);
      const request = { url, credentials: () => ({}), maxBytes: 0 };
      const context = { agent, options, request, deadline, pace: unlimitedPace };
      try {
        const info = await followRedirects({ ...context, method: 'HEAD' }).then(
          infoFromHead,
          () => undefined,
        );
        if (info && isSufficient(info)) return info;
        return await infoFromBytes(
          await followRedirects({ ...context, method: 'GET', range: firstBytes }),
          deadline,
        );
      } catch (error) {
        if (error instanceof AppError && isFinal(error)) throw error;
        return undefined;
      } finally {
        deadline.clear();
      }
    },
    close: () => agent.destroy(),
  };
}

/** Whether another kind of request would fail in the same way. */
function isFinal({ code }: AppError): boolean {
  return isMediaError(code) && mediaErrorVerdict(code) !== 'retry';
}

async function followRedirects(context: Context): Promise<ReceivedResponse> {
  const { request, options } = context;
  const rules = { allowPrivateHosts: options.allowPrivateHosts, extraPorts: request.extraPorts };
  let url = parseDownloadUrl(request.url, rules);
  // Once a redirect has left the origin, the next host controls the rest of the chain, including a redirect
  // back.
  let leftOrigin = false;
  for (let redirects = 0; ; redirects++) {
    const response = await send(url, leftOrigin ? {} : await credentialsFor(url, context), context);
    if (!redirectStatuses.has(response.statusCode)) return { url, response };
    discard(response.body);
    if (redirects === maxRedirects) {
      throw new AppError('media.too_many_redirects', `more than ${maxRedirects.toString()} redirects`);
    }
    const location = unicodeText(response.headers['location']) ?? '';
    if (location === '')
      throw new AppError('media.http_status', `${url.host} sent a redirect without a target`);
    const next = parseDownloadUrl(location, rules, url);
    leftOrigin ||= next.origin !== url.origin;
    url = next;
  }
}

/**
 * An additional check behind the caller's own rules: no credentials without TLS, except for a listed host.
 */
async function credentialsFor(url: URL, { request, options, deadline }: Context): Promise<HeaderRecord> {
  if (url.protocol !== 'https:' && !listsHost(options.allowPrivateHosts, url)) return {};
  return deadline.race(request.credentials(url));
}

async function send(url: URL, credentials: HeaderRecord, context: Context): Promise<Response> {
  const { method, range, agent, options, deadline } = context;
  deadline.signal.throwIfAborted();
  const headers = {
    accept: '*/*',
    'user-agent': options.userAgent ?? 'Inlet',
    ...credentials,
    'accept-encoding': 'identity',
    ...(range !== undefined && { range }),
  };
  const { origin, pathname, search } = url;
  try {
    // Raced, because undici ignores the signal until it has a connection.
    return await deadline.race(
      agent.request({ origin, path: pathname + search, method, headers, signal: deadline.signal }),
    );
  } catch (error) {
    throw networkError(error, {
      host: url.host,
      signal: deadline.signal,
      fallbackCode: 'media.connection_failed',
    });
  }
}

function toDownload({ url, response }: ReceivedResponse, context: Context): Download {
  const { body, headers } = response;
  const { maxBytes } = context.request;
  context.pace.bodyStarted();
  if (!isWhole(response)) {
    discard(body);
    throw refusalError(response, url.host, context.options.now?.() ?? new Date());
  }
  try {
    const codings = parseContentCodings(headerList(headers['content-encoding']));
    const declared = parseLength(headerText(headers['content-length']));
    if (declared !== null && declared > maxBytes) throw tooLarge(maxBytes);
    return {
      contentType: headerText(headers['content-type']) ?? null,
      contentLength: codings.length === 0 ? declared : null,
      body: read(decode(body, codings, maxBytes), url.host, context),
      url,
    };
  } catch (error) {
    body.on('error', () => undefined).destroy();
    throw error;
  }
}

async function* read(
  source: Readable,
  host: string,
  { request, deadline, pace }: Context,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      pace.received(chunk.length);
      if (bytes > request.maxBytes) throw tooLarge(request.maxBytes);
      yield chunk;
    }
    if (bytes === 0) throw new AppError('media.empty', `${host} sent an empty file`);
  } catch (error) {
    throw networkError(error, { host, signal: deadline.signal, fallbackCode: 'media.truncated' });
  } finally {
    pace.end();
    deadline.clear();
  }
}
