/**
 * Makes calls with `fetch`: adds the token, applies the timeout, and retries calls that are safe to repeat.
 */
import { baseOf, parseAnswer, queryText, type Query } from './addresses.js';
import { InletError, problemOf } from './problem.js';
import { sleep } from './sleep.js';

/** The part of `fetch` that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Options of `createClient`. */
export interface ClientOptions {
  /** The address of the service, including its path, if any: `https://example.com/inlet`. */
  readonly baseUrl: string;
  /** An API token. Without it, the client uses the session of the browser, see {@link SessionClient}. */
  readonly token?: string | undefined;
  /** Replaces the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /**
   * Number of retries after no answer, 429, 502, 503 or 504; 2 by default. Only calls that read, and messages
   * with an idempotency key, are retried.
   */
  readonly retries?: number | undefined;
  /** Timeout of a call including its retries; 60 seconds by default. It does not apply to uploads. */
  readonly timeoutMs?: number | undefined;
}

/** Options of every call. */
export interface CallOptions {
  /**
   * Aborts the call, which then rejects with the reason of the signal. For a download this includes the body.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Timeout of this call including its retries; for a download, until its response begins. `Infinity`
   * disables it.
   */
  readonly timeoutMs?: number | undefined;
}

export interface Request extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The path with its parameters filled in. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly json?: unknown;
  /** A body that is not JSON. */
  readonly body?: RequestInit['body'];
  readonly headers?: Readonly<Record<string, string>>;
  /** A call with a key can be retried, because the service executes it only once. */
  readonly idempotencyKey?: string;
  /** The time that the service is asked to wait before it answers; it is added to the timeout. */
  readonly waitMs?: number;
  /** Replaces the number of retries of the client. */
  readonly retries?: number;
}

export interface Transport {
  /** Resolves to a successful response; rejects with an {@link InletError} otherwise. */
  readonly answer: (request: Request) => Promise<Response>;
  /** Resolves to the JSON of the response, with absolute links. */
  readonly json: <Body>(request: Request) => Promise<Body>;
  /** Resolves to the text of the response. */
  readonly text: (request: Request) => Promise<string>;
  /** Parses JSON of the service that arrived in another way, such as an event. */
  readonly parse: (text: string) => unknown;
}

const standardRetries = 2;
const standardTimeoutMs = 60_000;
const firstPauseMs = 250;
/** The client does not wait longer than this for a retry, and rejects instead. */
const longestPauseMs = 30_000;
/** The longest delay of a timer. */
const longestTimerMs = 2 ** 31 - 1;
const passing: readonly number[] = [0, 429, 502, 503, 504];

export function createTransport(options: ClientOptions): Transport {
  const base = baseOf(options.baseUrl);
  const call = callerOf(options, base);
  const parse = (text: string): unknown => parseAnswer(text, base);
  return {
    answer: (request) => call(request, (response) => Promise.resolve(response)),
    text: (request) => call(request, (response) => response.text()),
    json: <Body>(request: Request) =>
      call(request, async (response) => {
        const text = await response.text();
        return (text === '' ? undefined : parsed(text, { parse, response })) as Body;
      }),
    parse,
  };
}

function parsed(
  text: string,
  { parse, response }: { readonly parse: (text: string) => unknown; readonly response: Response },
): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const { status } = response;
    throw new InletError('The answer is not JSON', { code: 'unreadable', status, cause });
  }
}

type Read<Result> = (response: Response) => Promise<Result>;

interface Attempt {
  readonly signal: AbortSignal;
  readonly endsAt: number;
}

function callerOf(options: ClientOptions, base: string) {
  const { token, retries = standardRetries, timeoutMs = standardTimeoutMs } = options;
  // The global `fetch` is looked up with each call, because a program may replace it.
  const doFetch: Fetch = options.fetch ?? ((url, init) => fetch(url, init));

  const once = async <Result>(request: Request, signal: AbortSignal, read: Read<Result>): Promise<Result> => {
    try {
      const url = base + request.path + queryText(request.query ?? {});
      const response = await doFetch(url, initOf(request, token, signal));
      if (!response.ok) throw await problemOf(response);
      return await read(response);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (cause instanceof InletError) throw cause;
      throw new InletError(`${base} does not answer`, { code: 'unreachable', status: 0, cause });
    }
  };

  const repeated = async <Result>(
    request: Request,
    { signal, endsAt }: Attempt,
    read: Read<Result>,
  ): Promise<Result> => {
    const maxRetries = isRepeatable(request) ? (request.retries ?? retries) : 0;
    for (let repetitions = 0; ; repetitions += 1) {
      try {
        return await once(request, signal, read);
      } catch (error) {
        const pauseMs = error instanceof InletError ? pauseAfter(error, repetitions) : Infinity;
        if (repetitions >= maxRetries || pauseMs > longestPauseMs || Date.now() + pauseMs >= endsAt)
          throw error;
        await sleep(pauseMs, signal);
      }
    }
  };

  return async <Result>(request: Request, read: Read<Result>): Promise<Result> => {
    const limitMs = (request.timeoutMs ?? timeoutMs) + (request.waitMs ?? 0);
    const late = new AbortController();
    const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
    const timer =
      limitMs > longestTimerMs
        ? undefined
        : setTimeout(() => {
            late.abort(new InletError(`${base} does not answer in time`, { code: 'timeout', status: 0 }));
          }, limitMs);
    try {
      return await repeated(request, { signal, endsAt: Date.now() + limitMs }, read);
    } finally {
      clearTimeout(timer);
    }
  };
}

function isRepeatable({ method, idempotencyKey }: Request): boolean {
  return method === 'GET' || idempotencyKey !== undefined;
}

function initOf(request: Request, token: string | undefined, signal: AbortSignal): RequestInit {
  const { method, json, body, idempotencyKey } = request;
  const headers: Record<string, string> = { accept: 'application/json, */*;q=0.9', ...request.headers };
  // A browser sends its session cookie by itself. Pages of other sites cannot send this header.
  if (token === undefined) headers['x-inlet-request'] = '1';
  else headers['authorization'] = `Bearer ${token}`;
  if (json !== undefined) headers['content-type'] = 'application/json';
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
  const init: RequestInit & { duplex?: 'half' } = { method, headers, signal };
  if (json !== undefined) init.body = JSON.stringify(json);
  if (body !== undefined) init.body = body;
  // `fetch` requires this option for a body that is a stream.
  if (body instanceof ReadableStream) init.duplex = 'half';
  return init;
}

/**
 * The pause in milliseconds; `Infinity` if a retry is useless. Jitter prevents all clients from retrying at
 * the same moment.
 */
function pauseAfter({ status, code, retryAfter }: InletError, repetitions: number): number {
  if (!passing.includes(status) || code === 'timeout') return Infinity;
  if (retryAfter !== null) return retryAfter * 1000;
  return firstPauseMs * 2 ** repetitions * (0.75 + Math.random() / 4);
}
