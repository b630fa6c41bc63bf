/**
 * Calls to the providers' own APIs. Where their addresses come from the operator's environment they are called as they are;
 * where somebody has set them over HTTP, the guard of downloads stands in between.
 */
import type { Readable } from 'node:stream';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { AppError } from '../../domain/errors.js';
import type { FormPart, Http, HttpRequest, HttpResponse } from '../../domain/provider.js';
import { startDeadline } from '../process/deadline.js';
import { headerList } from './answer-status.js';
import { decode, parseContentCodings, type ContentCoding } from './decompression.js';
import { finishing } from './finishing-connector.js';
import { createGuardedConnector, type LookupAll } from './guarded-connector.js';
import { networkError } from './network-error.js';

export interface HttpOptions {
  /** Of a whole call, reading the answer included. */
  readonly timeoutMs: number;
  readonly userAgent?: string;
  /** Connects to public addresses only, and to these exact hosts. Not given: to any address. */
  readonly publicAddressesAnd?: readonly string[];
  /** Every address of a name, where addresses are guarded; the system's resolver when absent. */
  readonly lookup?: LookupAll;
}

/** The {@link Http} port, and the end of its connections. */
export type HttpClient = Http & { readonly close: () => Promise<void> };

const mostAnswerBytes = 1024 * 1024;

/**
 * Redirects are answers like any other: following one could carry credentials elsewhere. Calls reject with
 * `media.connection_failed` or `media.timeout` when there is no whole answer (both can be retried), with
 * `media.too_large` when it has more than 1 MiB, with `media.invalid_url` and, where addresses are guarded, with
 * `media.forbidden_address`. `requestLeft` is false where no byte of the request was written: the name is not known, the
 * connection was refused, TLS was not agreed, the address is forbidden, or time was up before there was a connection.
 */
export function createHttp(options: HttpOptions): HttpClient {
  const { timeoutMs, publicAddressesAnd: allowPrivateHosts, lookup } = options;
  const connect = allowPrivateHosts
    ? createGuardedConnector({ timeoutMs, allowPrivateHosts, lookup })
    : finishing(buildConnector({ allowH2: false, timeout: timeoutMs }));
  const agent = new Agent({ allowH2: false, headersTimeout: 0, bodyTimeout: 0, connect });
  const send: Http = async (request) => {
    const url = parseUrl(request.url);
    const question = await toUndici(request, url, options);
    const deadline = startDeadline(options.timeoutMs);
    const call = { left: false };
    const watched = agent.compose(
      noteWriting(() => {
        call.left = true;
      }),
    );
    try {
      return await toResponse(await deadline.race(watched.request({ ...question, signal: deadline.signal })));
    } catch (error) {
      const { signal } = deadline;
      const failure = networkError(error, { host: url.host, signal, otherwise: 'media.connection_failed' });
      throw call.left ? failure : neverLeft(failure);
    } finally {
      deadline.clear();
    }
  };
  return Object.assign(send, { close: () => agent.destroy() });
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    const message = 'The address to call is not an http(s) URL';
    throw new AppError('media.invalid_url', message, { requestLeft: false });
  }
  return new URL(text);
}

/** Tells when a connection is there and the request is about to be written to it. */
function noteWriting(note: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        note();
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart: (...about) => handler.onResponseStart?.(...about),
      onResponseData: (...about) => handler.onResponseData?.(...about),
      onResponseEnd: (...about) => handler.onResponseEnd?.(...about),
      onResponseError: (...about) => handler.onResponseError?.(...about),
    });
}

function neverLeft(error: unknown): unknown {
  return error instanceof AppError
    ? new AppError(error.code, error.message, {
        cause: error,
        mayPass: error.mayPass,
        requestLeft: false,
      })
    : error;
}

async function toUndici(
  request: HttpRequest,
  url: URL,
  options: HttpOptions,
): Promise<Dispatcher.RequestOptions> {
  const body = await encode(request);
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': options.userAgent ?? 'Inlet',
      ...(body && { 'content-type': body.type }),
      ...request.headers,
    },
    body: body?.content ?? null,
  };
}

async function encode({
  json,
  form,
}: HttpRequest): Promise<{ type: string; content: Buffer | string } | null> {
  if (form !== undefined) return encodeForm(form);
  return json === undefined ? null : { type: 'application/json', content: JSON.stringify(json) };
}

/** As a browser would write it. In memory: what is uploaded to a provider's API is within its limits. */
async function encodeForm(parts: readonly FormPart[]): Promise<{ type: string; content: Buffer }> {
  const form = new FormData();
  for (const { name, value, filename, type } of parts) {
    if (typeof value === 'string' && filename === undefined) form.append(name, value);
    else form.append(name, new Blob([value], { type: type ?? '' }), filename);
  }
  const written = new Response(form);
  const type = written.headers.get('content-type') ?? '';
  return { type, content: Buffer.from(await written.arrayBuffer()) };
}

async function toResponse({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpResponse> {
  try {
    const codings = parseContentCodings(headerList(headers['content-encoding']));
    const text = await readText(body, codings);
    const entries = Object.entries(headers).map(([name, value]) => [name, headerList(value) ?? ''] as const);
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
