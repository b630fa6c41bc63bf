/** A provider's API on its own port: requests and responses. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Content } from '../../media-host.js';

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The groups of the route's pattern. */
  readonly parameters: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; undefined if it is not JSON. */
  readonly json: unknown;
  /** The fields of a form in the format `application/x-www-form-urlencoded`, without repeated ones. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; without it and without content there is no body. */
  readonly json?: unknown;
  /** A file, which is sent in place of JSON. */
  readonly content?: Content;
}

/** The response; alternatively the connection may hang or be cut. */
export type WireAnswer = ApiAnswer | 'hang' | 'cut' | 'garbage';

/** Base64 of the largest media that any provider accepts inline, plus some room for the rest. */
const maxBytes = 150 * 1024 * 1024;

export interface ApiServer {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly origin: string;
  readonly close: () => Promise<void>;
}

/** Listens on loopback. */
export async function startApiServer(
  answer: (call: ApiCall) => Promise<WireAnswer>,
  port = 0,
): Promise<ApiServer> {
  const server = createServer((incoming, response) => {
    readCall(incoming)
      .then(answer)
      .then((given) => send(response, given))
      .catch((error: unknown) => {
        // A bug in the simulator must not look like a missing response of a provider.
        if (response.headersSent) response.destroy();
        else void send(response, { status: 500, json: { simulator: String(error) } });
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The API has no port');
  const host = `127.0.0.1:${String(address.port)}`;
  return {
    host,
    origin: `http://${host}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function readCall(incoming: IncomingMessage): Promise<ApiCall> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error('The body is too large for any provider');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const { pathname: path, searchParams: query } = new URL(incoming.url ?? '/', 'http://provider');
  const { method = 'GET', headers } = incoming;
  const call = { method, path, query, parameters: [], headers, body, json: parsed(body) };
  return isOfType(call, 'application/x-www-form-urlencoded') ? { ...call, fields: fieldsIn(body) } : call;
}

function fieldsIn(body: Buffer): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(body.toString('utf8')));
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

async function send(response: ServerResponse, answer: WireAnswer): Promise<void> {
  if (answer === 'hang') return;
  if (answer === 'cut') {
    response.destroy();
    return;
  }
  if (answer === 'garbage') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><p>It works!');
    return;
  }
  const { status, headers = {}, json, content } = answer;
  if (content) await sendFile(response, content);
  else if (json === undefined) response.writeHead(status, { ...headers, 'content-length': 0 }).end();
  else
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));
}

async function sendFile(response: ServerResponse, { type, open }: Content): Promise<void> {
  const { length, chunks } = open();
  response.writeHead(200, {
    'content-type': type,
    ...(length === undefined ? {} : { 'content-length': length }),
  });
  await pipeline(Readable.from(chunks, { objectMode: false }), response);
}

/** Whether the body has this declared type, without its parameters. */
export function isOfType({ headers }: ApiCall, type: string): boolean {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() === type;
}
