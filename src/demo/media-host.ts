import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A request as the host received it. */
export interface HostRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly at: Date;
  /** Whether there was an `Authorization` header, valid or not. */
  readonly hadCredentials: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A condition for serving a file: a response refuses, undefined accepts the request. */
export type Check = (request: HostRequest) => Answer | undefined;

/** The content, opened again for every request. */
export interface Content {
  readonly type: string;
  readonly open: () => {
    /** Sent as `content-length`; without it the body is chunked. */
    readonly length?: number;
    readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  };
}

/** Answers a call to a provider's API. The body is parsed JSON, or undefined if it is not JSON. */
export type ApiHandler = (request: HostRequest, body: unknown) => Answer;

export interface MediaHost {
  /** `127.0.0.1:PORT`, as in `FETCH_ALLOW_PRIVATE_HOSTS`. */
  readonly host: string;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Every request so far, oldest first. */
  readonly requests: readonly HostRequest[];
  /**
   * Serves `content` at `path` to requests that pass all checks; the first refusal is the response. Returns
   * the link.
   */
  readonly serve: (path: string, content: Content, checks?: readonly Check[]) => string;
  readonly has: (path: string) => boolean;
  /** Answers all methods except GET and HEAD at `path`. */
  readonly answer: (path: string, handler: ApiHandler) => void;
  readonly close: () => Promise<void>;
}

const chunkBytes = 64 * 1024;
const maxApiBytes = 1024 * 1024;

/** Given bytes, or bytes that are made on request. */
export function bytes(type: string, source: Uint8Array | (() => Uint8Array)): Content {
  return {
    type,
    open: () => {
      const body = typeof source === 'function' ? source() : source;
      return { length: body.length, chunks: slices(body) };
    },
  };
}

/** A file with a declared size: `head`, then padding up to `length`. */
export function filledUpTo(length: number, type: string, head: Uint8Array): Content {
  return { type, open: () => ({ length, chunks: filled(head, length) }) };
}

/** An endless file without a declared size. Only the client can stop it. */
export function endless(type: string, head: Uint8Array): Content {
  return { type, open: () => ({ chunks: filled(head, Infinity) }) };
}

function* slices(body: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < body.length; offset += chunkBytes) {
    yield body.subarray(offset, offset + chunkBytes);
  }
}

function* filled(head: Uint8Array, length: number): Generator<Uint8Array> {
  yield head;
  const filling = new Uint8Array(chunkBytes);
  for (let left = length - head.length; left > 0; left -= chunkBytes) {
    yield left < chunkBytes ? filling.subarray(0, left) : filling;
  }
}

interface HostedFile {
  readonly content: Content;
  readonly checks: readonly Check[];
}

/** Starts a server on loopback that serves the files of simulated providers and answers for their APIs. */
export async function startMediaHost({ port = 0 }: { readonly port?: number } = {}): Promise<MediaHost> {
  const files = new Map<string, HostedFile>();
  const apis = new Map<string, ApiHandler>();
  const requests: HostRequest[] = [];

  const respond = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = describe(incoming);
    requests.push(request);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const api = isRead ? undefined : apis.get(request.url.pathname);
    if (api !== undefined) {
      send(response, api(request, await readJson(incoming)));
      return;
    }
    await sendFile(request, response, files.get(request.url.pathname));
  };

  const server = createServer((incoming, response) => {
    // Clients that close the connection in the middle of a file are part of the simulation.
    respond(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The media host has no port');
  const host = `127.0.0.1:${String(address.port)}`;

  return {
    host,
    origin: `http://${host}`,
    requests,
    serve: (path, content, checks = []) => {
      files.set(path, { content, checks });
      return `http://${host}${path}`;
    },
    has: (path) => files.has(path),
    answer: (path, handler) => {
      apis.set(path, handler);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function describe(incoming: IncomingMessage): HostRequest {
  return {
    method: incoming.method ?? 'GET',
    url: new URL(incoming.url ?? '/', 'http://media-host'),
    headers: incoming.headers,
    at: new Date(),
    hadCredentials: incoming.headers.authorization !== undefined,
  };
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body);
}

async function sendFile(
  request: HostRequest,
  response: ServerResponse,
  file: HostedFile | undefined,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, { status: 405, headers: { allow: 'GET, HEAD' } });
    return;
  }
  if (file === undefined) {
    send(response, { status: 404, body: 'There is no such file.' });
    return;
  }
  const refusal = firstRefusal(file.checks, request);
  if (refusal !== undefined) {
    send(response, refusal);
    return;
  }
  const { length, chunks } = file.content.open();
  response.writeHead(200, {
    'content-type': file.content.type,
    ...(length === undefined ? {} : { 'content-length': length }),
  });
  if (request.method === 'HEAD') response.end();
  else await pipeline(Readable.from(chunks, { objectMode: false, highWaterMark: chunkBytes }), response);
}

function firstRefusal(checks: readonly Check[], request: HostRequest): Answer | undefined {
  for (const check of checks) {
    const refusal = check(request);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxApiBytes) throw new Error('The body of an API call is too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
