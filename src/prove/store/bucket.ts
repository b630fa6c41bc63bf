/**
 * An object store with the part of the S3 protocol that Inlet needs. It keeps objects in memory and can
 * misbehave. Like some stores, it does not support `x-amz-checksum-sha256`, and verifies the digest of the
 * payload instead. It checks no signatures.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The key of the object without the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly objects: Map<string, Buffer>;
}

/** How a store may misbehave. */
const moods = {
  refuses: (exchange) => {
    refuse(exchange, 503, 'SlowDown');
  },
  denies: (exchange) => {
    refuse(exchange, 403, 'AccessDenied');
  },
  'has lost its bucket': (exchange) => {
    refuse(exchange, 404, 'NoSuchBucket');
  },
  hangs: () => undefined,
  resets: ({ request }) => request.socket.resetAndDestroy(),
  /** It confirms objects that it has not stored. */
  forgets: (exchange) => {
    if (exchange.request.method === 'PUT') exchange.request.resume().on('end', () => exchange.response.end());
    else serve(exchange);
  },
  'answers garbage': ({ request, response }) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
  },
} as const satisfies Record<string, (exchange: Exchange) => unknown>;

export type StoreMood = keyof typeof moods;

export interface Bucket {
  /** The settings for a service that uses it. */
  readonly settings: Readonly<Record<string, string>>;
  readonly objects: Map<string, Buffer>;
  /** Undefined if it works. */
  readonly setMood: (mood: StoreMood | undefined) => void;
  readonly close: () => void;
}

const name = 'proof';

export async function startBucket(): Promise<Bucket> {
  const objects = new Map<string, Buffer>();
  let mood: StoreMood | undefined;
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    const { pathname } = new URL(request.url ?? '', 'http://store');
    const key = decodeURIComponent(pathname.slice(name.length + 2));
    const exchange = { request, response, key, objects };
    if (mood === undefined) serve(exchange);
    else moods[mood](exchange);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    settings: {
      STORAGE: 's3',
      S3_BUCKET: name,
      S3_ENDPOINT: `http://127.0.0.1:${String(port)}`,
      S3_FORCE_PATH_STYLE: 'true',
      AWS_ACCESS_KEY_ID: 'proof',
      AWS_SECRET_ACCESS_KEY: 'proof',
    },
    objects,
    setMood: (now) => {
      mood = now;
      // Ends the requests that were left hanging.
      if (now === undefined) server.closeAllConnections();
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function serve(exchange: Exchange): void {
  const { request, response, key, objects } = exchange;
  if (key === '') {
    response.end(request.method === 'HEAD' ? undefined : '<ListBucketResult></ListBucketResult>');
    return;
  }
  if (request.method === 'PUT') {
    take(exchange).catch(() => response.destroy());
    return;
  }
  if (request.method === 'DELETE') {
    objects.delete(key);
    response.writeHead(204).end();
    return;
  }
  const object = objects.get(key);
  if (!object) refuse(exchange, 404, 'NoSuchKey');
  else respond(exchange, object);
}

async function take(exchange: Exchange): Promise<void> {
  const { request, response, key, objects } = exchange;
  const body = await buffer(request);
  const digest = createHash('sha256').update(body).digest('hex');
  if (request.headers['x-amz-checksum-sha256'] !== undefined) refuse(exchange, 501, 'NotImplemented');
  else if (request.headers['x-amz-content-sha256'] !== digest)
    refuse(exchange, 400, 'XAmzContentSHA256Mismatch');
  else {
    objects.set(key, body);
    response.end();
  }
}

function respond({ request, response }: Exchange, object: Buffer): void {
  const [, from = '0', to = String(object.length - 1)] =
    /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = object.subarray(Number(from), Number(to) + 1);
  response.writeHead(request.headers.range === undefined ? 200 : 206, { 'content-length': part.length });
  response.end(request.method === 'HEAD' ? undefined : part);
}

function refuse({ request, response }: Exchange, status: number, code: string): void {
  const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  const answer = (): void => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  if (request.readableEnded) answer();
  else request.resume().on('end', answer);
}
