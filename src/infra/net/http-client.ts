/**
 * Calls the APIs of the providers. URLs from the operator's environment are called as they are; URLs that
 * were set over HTTP are restricted to public addresses like downloads.
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
  /** Timeout for the whole call, including reading the response. */
  readonly timeoutMs: number;
  readonly userAgent?: string;
  /** Restricts connections to public addresses and these exact hosts. If absent, any address is allowed. */
  readonly allowOnlyPublicAnd?: readonly string[];
  /** Resolves names where addresses are checked; by default the system's resolver. */
  readonly lookup?: LookupAll;
}

/** The {@link Http} port, with a function that closes its connections. */
export type HttpClient = Http & { readonly close: () => Promise<void> };

const maxAnswerBytes = 1024 * 1024;

/**
 * Redirects are returned like any other response, because following one could send credentials elsewhere.
 * Calls reject with `media.connection_failed` or `media.timeout` if there is no complete response (both can
 * be retried), with `media.too_large` if it exceeds 1 MiB, with `media.invalid_url`, and, where addresses are
 * checked, with `media.forbidden_address`. `requestLeft` is false if no byte of the request was written: the
 * name is unknown, the connection was refused, TLS failed, the address is forbidden, or the timeout came
 * before the connection.
 */
export function createHttp(options: HttpOptions): HttpClient {
  const { timeoutMs, allowOnlyPublicAnd: allowPrivateHosts, lookup } = options;
  const connect = allowPrivateHosts
    ? createGuardedConnector({ timeoutMs, allowPrivateHosts, lookup })
    : finishing(buildConnector({ allowH2: false, timeout: timeoutMs }));
  const agent = new Agent({ allowH2: false, headersTimeout: 0, bodyTimeout: 0, connect });
  const send: Http = async (request) => {
    const url = parseUrl(request.url);
    const undiciRequest = await toUndici(request, url, options);
    const deadline = startDeadline(options.timeoutMs);
    const call = { hasLeft: false };
    const observedAgent = agent.compose(
      onRequestSent(() => {
        call.hasLeft = true;
      }),
    );
    try {
      return await toResponse(
        await deadline.race(observedAgent.request({ ...undiciRequest, signal: deadline.signal })),
      );
    } catch (error) {
      const { signal } = deadline;
      const failure = networkError(error, {
        host: url.host,
        signal,
        fallbackCode: 'media.connection_failed',
      });
      throw call.hasLeft ? failure : asNotSent(failure);
    } finally {
      deadline.clear();
    }
  };
  return Object.assign(send, { close: () => agent.destroy() });
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    const message = 'the URL of the API must start with http:// or https://';
    throw new AppError('media.invalid_url', message, { requestLeft: false });
  }
  return new URL(text);
}

/** Calls back when there is a connection and the request is about to be written to it. */
function onRequestSent(callback: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        callback();
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart: (...about) => handler.onResponseStart?.(...about),
      onResponseData: (...about) => handler.onResponseData?.(...about),
      onResponseEnd: (...about) => handler.onResponseEnd?.(...about),
      onResponseError: (...about) => handler.onResponseError?.(...about),
    });
}

function asNotSent(error: unknown): unknown {
  return error instanceof AppError
    ? new AppError(error.code, error.message, {
        cause: error,
        mayRecover: error.mayRecover,
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
  urlencoded,
}: HttpRequest): Promise<{ type: string; content: Buffer | string } | null> {
  if (form !== undefined) return encodeForm(form);
  if (urlencoded !== undefined) {
    const fields = new URLSearchParams();
    for (const { name, value } of urlencoded) fields.append(name, value);
    return { type: 'application/x-www-form-urlencoded', content: fields.toString() };
  }
  return json === undefined ? null : { type: 'application/json', content: JSON.stringify(json) };
}

/**
 * Encodes the form as a browser would. It is held in memory, because uploads to a provider's API are limited
 * in size.
 */
async function encodeForm(parts: readonly FormPart[]): Promise<{ type: string; content: Buffer }> {
  const form = new FormData();
  for (const { name, value, filename, type } of parts) {
    if (typeof value === 'string' && filename === undefined) form.append(name, value);
    else form.append(name, new Blob([value], { type: type ?? '' }), filename);
  }
  const encoded = new Response(form);
  const type = encoded.headers.get('content-type') ?? '';
  return { type, content: Buffer.from(await encoded.arrayBuffer()) };
}

async function toResponse({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpResponse> {
  try {
    const codings = parseContentCodings(headerList(headers['content-encoding']));
    const text = await readText(body, codings);
    const entries = Object.entries(headers).map(([name, value]) => [name, headerList(value) ?? ''] as const);
    return { status: statusCode, headers: Object.fromEntries(entries), body: parseJson(text) };
  } finally {
    // Has no effect on a body that was read completely.
    body.on('error', () => undefined).destroy();
  }
}

async function readText(body: Readable, codings: readonly ContentCoding[]): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const plain = decode(body, codings, maxAnswerBytes);
  for await (const chunk of plain as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new AppError('media.too_large', 'the response has more than 1 MiB');
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
