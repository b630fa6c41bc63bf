/**
 * Calls to the providers' own APIs. Where their addresses come from the operator's environment they are called as they are;
 * where somebody has set them over HTTP, the guard of downloads stands in between.
 */
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { AppError } from '../domain/errors.js';
import type { Http, HttpRequest, HttpResponse } from '../domain/provider.js';
import { headerText } from './answer-status.js';
import { startDeadline } from './deadline.js';
import { createGuardedConnector } from './guarded-connector.js';
import { decode, parseContentCodings, type ContentCoding } from './decompression.js';
import { networkError } from './network-error.js';

export interface HttpOptions {
  /** Of a whole call, reading the answer included. */
  readonly timeoutMs: number;
  readonly userAgent?: string;
  /** Connects to public addresses only, and to these exact hosts. Not given: to any address. */
  readonly publicAddressesAnd?: readonly string[];
}

/** The {@link Http} port, and the end of its connections. */
export type HttpClient = Http & { readonly close: () => Promise<void> };

const mostAnswerBytes = 1024 * 1024;

/**
 * Redirects are answers like any other: following one could carry credentials elsewhere. Calls reject with
 * `media.connection_failed` or `media.timeout` when there is no whole answer (both can be retried), with
 * `media.too_large` when it has more than 1 MiB, with `media.invalid_url` and, where addresses are guarded, with
 * `media.forbidden_address`.
 */
export function createHttp(options: HttpOptions): HttpClient {
  const { timeoutMs, publicAddressesAnd: allowPrivateHosts } = options;
  const connect = allowPrivateHosts
    ? createGuardedConnector({ timeoutMs, allowPrivateHosts })
    : { timeout: timeoutMs };
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect });
  const call: Http = async (request) => {
    const url = parseUrl(request.url);
    const question = toUndici(request, url, options);
    const deadline = startDeadline(options.timeoutMs);
    try {
      return await toResponse(await deadline.race(agent.request({ ...question, signal: deadline.signal })));
    } catch (error) {
      throw networkError(error, {
        host: url.host,
        signal: deadline.signal,
        otherwise: 'media.connection_failed',
      });
    } finally {
      deadline.clear();
    }
  };
  return Object.assign(call, { close: () => agent.destroy() });
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new AppError('media.invalid_url', 'The address to call is not an http(s) URL');
  }
  return new URL(text);
}

function toUndici(request: HttpRequest, url: URL, options: HttpOptions): Dispatcher.RequestOptions {
  const hasBody = request.json !== undefined;
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': options.userAgent ?? 'Inlet',
      ...(hasBody && { 'content-type': 'application/json' }),
      ...request.headers,
    },
    body: hasBody ? JSON.stringify(request.json) : null,
  };
}

async function toResponse({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpResponse> {
  try {
    const codings = parseContentCodings(headerText(headers['content-encoding']));
    const text = await readText(body, codings);
    const entries = Object.entries(headers).map(([name, value]) => [name, headerText(value) ?? ''] as const);
    return { status: statusCode, headers: Object.fromEntries(entries), body: parseJson(text) };
  } finally {
    // Does nothing to a body that was read to its end.
    body.on('error', () => undefined).destroy();
  }
}

async function readText(body: Readable, codings: readonly ContentCoding[]): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const plain = decode(body, codings, mostAnswerBytes);
  for await (const chunk of plain as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostAnswerBytes) throw new AppError('media.too_large', 'The answer has more than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
