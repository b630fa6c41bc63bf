/** Calls over `fetch`, with the token, and again where that cannot do anything twice. */
import { InletError, problemOf } from './problem.js';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
  /** Where the service is: `https://inlet.example`. */
  readonly baseUrl: string;
  /** An API token. */
  readonly token: string;
  /** In place of the global one. */
  readonly fetch?: Fetch;
  /** How often a call is made again after no answer, 429, 502, 503 or 504; 2 when not given. */
  readonly retries?: number;
}

export type Query = Readonly<Record<string, string | number | Date | null | undefined>>;

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its parameters in place. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly json?: unknown;
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Whether the same call made twice does no more than once; always so for GET. */
  readonly repeatable?: boolean;
}

export interface Transport {
  /** The answer, if it is a success; rejects with an {@link InletError} otherwise. */
  readonly answer: (request: Request) => Promise<Response>;
  /** The JSON in it. */
  readonly json: <Body>(request: Request) => Promise<Body>;
}

const standardRetries = 2;
const firstPauseMs = 250;
/** A service that asks for more is told to the caller instead. */
const longestPauseMs = 30_000;
const passing: readonly number[] = [0, 429, 502, 503, 504];

export function createTransport(options: ClientOptions): Transport {
  const { token, retries = standardRetries, fetch: given } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  // Looked up at each call, so that whoever replaces the global one is heard.
  const doFetch: Fetch = given ?? ((url, init) => fetch(url, init));

  const once = async ({
    method,
    path,
    query = {},
    json,
    form,
    headers,
    signal,
  }: Request): Promise<Response> => {
    const init: RequestInit = {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(form !== undefined && { body: form }),
      ...(signal && { signal }),
    };
    const response = await doFetch(baseUrl + path + queryText(query), init).catch((cause: unknown) => {
      if (signal?.aborted === true) throw cause;
      throw new InletError(`${baseUrl} does not answer`, { code: 'unreachable', status: 0, cause });
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  };

  const answer = async (request: Request): Promise<Response> => {
    const most = request.method === 'GET' || request.repeatable === true ? retries : 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await once(request);
      } catch (error) {
        const pause = error instanceof InletError ? pauseAfter(error, attempt) : null;
        if (pause === null || attempt >= most) throw error;
        await sleep(pause, request.signal);
      }
    }
  };

  return {
    answer,
    json: async <Body>(request: Request) => {
      const response = await answer(request);
      if (response.status === 204) return undefined as Body;
      return (await response.json().catch((cause: unknown) => {
        const { status } = response;
        throw new InletError('The answer is no JSON', { code: 'unreadable', status, cause });
      })) as Body;
    },
  };
}

/** Milliseconds; null when trying again is of no use. */
function pauseAfter({ status, retryAfterMs }: InletError, attempt: number): number | null {
  if (!passing.includes(status)) return null;
  const pause = retryAfterMs ?? firstPauseMs * 2 ** attempt;
  return pause > longestPauseMs ? null : pause;
}

/** Rejects with the reason of the signal when it is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

function queryText(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null
      ? []
      : [[name, value instanceof Date ? value.toISOString() : String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

/** A path with its parameters, each kept to its own segment. */
export function path(parts: TemplateStringsArray, ...parameters: readonly string[]): string {
  return String.raw({ raw: parts.raw }, ...parameters.map(encodeURIComponent));
}
