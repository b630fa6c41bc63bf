/**
 * Downloads from addresses that strangers chose. Every hop is checked from scratch, bytes are counted while they
 * stream, and one deadline covers everything. Errors are AppErrors; their messages name the host only, since
 * paths and queries carry signatures.
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
import { listsHost } from './host-list.js';
import { discard, firstBytes, parseLength, seenIn, toldBy, type Answered, type Look } from './link-look.js';
import { networkError } from './network-error.js';
import { anyPace, watchPace, type Pace } from './pace.js';
import { mostHeadBytes, strictHeads } from './strict-heads.js';

export type { Look } from './link-look.js';
export type { LookupAll } from './guarded-connector.js';

export interface SafeFetchOptions {
  /** Exact `host` or `host:port`, lower case: may have addresses that are not public, and use the listed port. */
  readonly allowPrivateHosts: readonly string[];
  /** Of a whole download, body included; one that goes on has longer, see pace.ts. */
  readonly timeoutMs: number;
  /** Every address of a name; the system's resolver when absent. */
  readonly lookup?: LookupAll;
  readonly userAgent?: string;
  readonly now?: () => Date;
}

export interface DownloadRequest {
  readonly url: string;
  /**
   * Headers that carry credentials for this URL, `{}` when it must not have any. Asked for the first hop, and
   * again only while the origin stays the same; never for a plain http URL, unless its host is a listed one.
   */
  readonly credentials: (url: URL) => MaybePromise<HeaderRecord>;
  /** Whether this URL's host and port are ones that the channel was configured with. */
  readonly extraPorts?: (url: URL) => boolean;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

export interface Download {
  readonly contentType: string | null;
  /** Bytes to come, as declared; null when not declared and when they come compressed. */
  readonly contentLength: number | null;
  /**
   * The plain bytes, to be read once. Rejects with `media.too_large`, `media.empty`, `media.truncated` or
   * `media.timeout`, also when they come too slowly. The connection is released at the end, when reading stops early, and at the deadline.
   */
  readonly body: AsyncIterable<Buffer>;
  /** Where the bytes came from, after redirects. */
  readonly url: URL;
}

export interface SafeFetch {
  /** Resolves when the headers of the picture are in. Rejects with an AppError, or with the reason of `signal`. */
  readonly open: (request: DownloadRequest) => Promise<Download>;
  /**
   * What is known of a link without fetching all of it: what the host says (HEAD), or, where it does not say it or `suffices` does
   * not take it, what the first bytes say. Undefined when the host answers neither. Rejects when the link is none that is
   * followed, and with `media.gone` when nothing is there.
   */
  readonly look: (request: LookRequest) => Promise<Look | undefined>;
  /** Drops all connections; downloads still running fail with an error that can be retried. */
  readonly close: () => Promise<void>;
}

export interface LookRequest {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Whether the host's own word is enough. */
  readonly suffices: (look: Look) => boolean;
}

type Response = Dispatcher.ResponseData;

interface Context {
  readonly method: 'GET' | 'HEAD';
  /** The `Range` that is asked for. */
  readonly range?: string;
  readonly agent: Agent;
  readonly options: SafeFetchOptions;
  readonly request: DownloadRequest;
  readonly deadline: Deadline;
  readonly pace: Pace;
}

const mostRedirects = 5;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A host's own `Keep-Alive: timeout` is believed up to `most`, so that nobody makes us hoard sockets. */
const keepAliveMs = { usual: 4000, most: 15_000 };

export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const agent = new Agent({
    allowH2: false,
    connect: strictHeads(createGuardedConnector(options)),
    maxHeaderSize: mostHeadBytes,
    keepAliveTimeout: keepAliveMs.usual,
    keepAliveMaxTimeout: keepAliveMs.most,
    // The deadline below covers these, and undici's own timers are coarse.
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
    look: async ({ url, signal, suffices }) => {
      const deadline = startDeadline(options.timeoutMs, signal);
      const request = { url, credentials: () => ({}), maxBytes: 0 };
      const context = { agent, options, request, deadline, pace: anyPace };
      try {
        const told = await followRedirects({ ...context, method: 'HEAD' }).then(toldBy, () => undefined);
        if (told && suffices(told)) return told;
        return await seenIn(
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

/** Whether asking in another way would end the same. */
function isFinal({ code }: AppError): boolean {
  return isMediaError(code) && mediaErrorVerdict(code) !== 'retry';
}

async function followRedirects(context: Context): Promise<Answered> {
  const { request, options } = context;
  const rules = { allowPrivateHosts: options.allowPrivateHosts, extraPorts: request.extraPorts };
  let url = parseDownloadUrl(request.url, rules);
  // Once a redirect has left the origin, whoever answers there chooses the rest of the way, the way back included.
  let leftOrigin = false;
  for (let redirects = 0; ; redirects++) {
    const response = await send(url, leftOrigin ? {} : await credentialsFor(url, context), context);
    if (!redirectStatuses.has(response.statusCode)) return { url, response };
    discard(response.body);
    if (redirects === mostRedirects) {
      throw new AppError('media.too_many_redirects', `More than ${mostRedirects.toString()} redirects`);
    }
    const location = unicodeText(response.headers['location']) ?? '';
    if (location === '') throw new AppError('media.http_status', `${url.host} redirects to nowhere`);
    const next = parseDownloadUrl(location, rules, url);
    leftOrigin ||= next.origin !== url.origin;
    url = next;
  }
}

/** A second lock behind the caller's own rules: no credentials in the clear, except within a listed host. */
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
    // Raced, because undici does not look at the signal before it has a connection.
    return await deadline.race(
      agent.request({ origin, path: pathname + search, method, headers, signal: deadline.signal }),
    );
  } catch (error) {
    throw networkError(error, {
      host: url.host,
      signal: deadline.signal,
      otherwise: 'media.connection_failed',
    });
  }
}

function toDownload({ url, response }: Answered, context: Context): Download {
  const { body, headers } = response;
  const { maxBytes } = context.request;
  context.pace.begin();
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
      pace.note(chunk.length);
      if (bytes > request.maxBytes) throw tooLarge(request.maxBytes);
      yield chunk;
    }
    if (bytes === 0) throw new AppError('media.empty', `${host} sent no bytes`);
  } catch (error) {
    throw networkError(error, { host, signal: deadline.signal, otherwise: 'media.truncated' });
  } finally {
    pace.end();
    deadline.clear();
  }
}
