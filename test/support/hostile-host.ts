/**
 * A real local server that misbehaves on request: `host.url('/drip')`. It counts connections and records the
 * headers of every request, so that a test can check them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

/** The body of an honest answer: 64 KiB of no recognizable type, always the same. */
export const picture: Buffer = Buffer.from(
  Array.from({ length: 64 * 1024 }, (_, index) => (index * 31 + (index >> 8)) & 0xff),
);

/** Begins like a JPEG and continues like the picture, beyond the bytes that decide the type. */
export const jpeg: Buffer = Buffer.concat([
  Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
  picture,
  picture.subarray(0, 1024),
]);

export interface HostileHost {
  readonly port: number;
  /** `127.0.0.1:PORT`, for a list of allowed hosts. */
  readonly host: string;
  readonly url: (path: string) => string;
  /** The number of connections that were accepted so far. */
  readonly connections: () => number;
  readonly requests: Pick<IncomingMessage, 'url' | 'method' | 'headers'>[];
  /** Resolves when no connection is open. */
  readonly allClosed: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Exchange {
  readonly response: ServerResponse;
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
}

const behaviours = {
  /** The picture, with its length. `type`. */
  ok: ({ response, query }) => {
    response.writeHead(200, {
      'content-type': query.get('type') ?? 'image/jpeg',
      'content-length': picture.length,
    });
    response.end(picture);
  },
  /** The picture without a length, in several pieces. */
  chunked: ({ response }) => {
    response.writeHead(200, { 'content-type': 'image/jpeg' });
    for (let start = 0; start < picture.length; start += 8192) {
      response.write(picture.subarray(start, start + 8192));
    }
    response.end();
  },
  /** Accepts the request and never answers. */
  hang: () => undefined,
  /** Sends the headers at once, then one byte per second. */
  drip: ({ response }) => {
    response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': picture.length });
    response.write('x');
    const timer = setInterval(() => response.write('x'), 1000);
    response.on('close', () => {
      clearInterval(timer);
    });
  },
  /** Sends zeros without end, as fast as the client reads. `type`. */
  flood: ({ response }) => {
    response.writeHead(200, { 'content-type': 'image/jpeg' });
    const zeros = Buffer.alloc(64 * 1024);
    const pour = (): void => {
      while (!response.destroyed && response.write(zeros));
    };
    response.on('drain', pour);
    pour();
  },
  /** Resets the connection, before the headers or (`after=N`) after N bytes of the body. */
  reset: ({ response, query }) => {
    const after = query.get('after');
    if (after === null) {
      response.socket?.resetAndDestroy();
      return;
    }
    response.writeHead(200, { 'content-length': picture.length });
    response.write(picture.subarray(0, Number(after)), () => response.socket?.resetAndDestroy());
  },
  /** Declares `declared` bytes, sends `sent`, and closes the connection in order. */
  liar: ({ response, query }) => {
    const body = picture.subarray(0, Number(query.get('sent')));
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${query.get('declared') ?? ''}\r\n\r\n`;
    response.socket?.end(Buffer.concat([Buffer.from(head), body]));
  },
  /** Sends a chunked body without its last chunk. */
  unfinished: ({ response }) => {
    response.socket?.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  },
  /** 50 MB of zeros (`megabytes`) in some 50 KB of gzip. */
  bomb: ({ response, query }) => {
    const zeros = Buffer.alloc(Number(query.get('megabytes') ?? 50) * 1_000_000);
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(gzipSync(zeros));
  },
  /** A gzip body in a gzip body: a few hundred bytes contain 2 MB of empty gzip bodies. */
  hollow: ({ response }) => {
    const member = gzipSync('');
    response.writeHead(200, { 'content-encoding': 'gzip, gzip' });
    response.end(gzipSync(Buffer.alloc(100_000 * member.length, member)));
  },
  /** The picture, compressed as `with` says (`gzip, br` for both), under the name `as` if that differs. */
  encoded: ({ response, query }) => {
    const codings = query.get('with') ?? '';
    response.writeHead(200, { 'content-encoding': query.get('as') ?? codings });
    response.end(codings.split(', ').reduce(compress, picture));
  },
  /** The picture, compressed with gzip in two members, and the bytes `after` (hexadecimal) behind it. */
  followed: ({ response, query }) => {
    const members = [picture.subarray(0, 1_000), picture.subarray(1_000)].map((part) => gzipSync(part));
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(Buffer.concat([...members, Buffer.from(query.get('after') ?? '', 'hex')]));
  },
  /** The bytes `start` (hexadecimal) and then the picture, under the coding `as`. */
  startingWith: ({ response, query }) => {
    response.writeHead(200, { 'content-encoding': query.get('as') ?? '' });
    response.end(Buffer.concat([Buffer.from(query.get('start') ?? '', 'hex'), picture]));
  },
  /** A photo, labelled with the coding `as`; compressed as `with` says, if at all. */
  labelled: ({ response, query }) => {
    response.writeHead(200, { 'content-encoding': query.get('as') ?? '' });
    response.end((query.get('with') ?? '').split(', ').reduce(compress, jpeg));
  },
  /** Redirects with these raw header lines (Base64). */
  rawRedirect: ({ response, query }) => {
    const lines = Buffer.from(query.get('lines') ?? '', 'base64');
    const head = 'HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n';
    response.socket?.end(Buffer.concat([Buffer.from(head), lines, Buffer.from('\r\n\r\n')]));
  },
  /** The picture with these raw header lines (Base64). */
  raw: ({ response, query }) => {
    const lines = Buffer.from(query.get('lines') ?? '', 'base64');
    const head = `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${String(picture.length)}\r\n`;
    response.socket?.end(Buffer.concat([Buffer.from(head), lines, Buffer.from('\r\n\r\n'), picture]));
  },
  /**
   * Answers HEAD with `head` (404), and GET with a photo or the requested part of it. `type`, `ranges=no`.
   */
  headless: ({ request, response, query }) => {
    const type = query.get('type') ?? 'image/jpeg';
    if (request.method === 'HEAD') {
      response.writeHead(Number(query.get('head') ?? 404), { 'content-type': type }).end();
      return;
    }
    const part = query.get('ranges') === 'no' ? undefined : firstPart(jpeg, request.headers.range);
    response.writeHead(part ? 206 : 200, {
      'content-type': type,
      ...(part && { 'content-range': `bytes 0-${String(part.length - 1)}/${String(jpeg.length)}` }),
    });
    response.end(part ?? jpeg);
  },
  /**
   * Sends these bytes (Base64) and then a photo, and closes the connection in order, or resets it (`reset`).
   */
  verbatim: ({ response, query }) => {
    const socket = response.socket;
    socket?.write(Buffer.from(query.get('head') ?? '', 'base64'));
    if (query.has('reset')) socket?.write(jpeg, () => setTimeout(() => socket.resetAndDestroy(), 50));
    else socket?.end(jpeg);
  },
  /** Sends so many `megabytes` and closes the connection at once, with a length (`length=yes`) or without. */
  closing: ({ response, query }) => {
    const body = Buffer.alloc(Number(query.get('megabytes')) * 1_000_000, 'photo');
    const length = query.get('length') === 'yes' ? `Content-Length: ${String(body.length)}\r\n` : '';
    response.socket?.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n${length}\r\n`);
    response.socket?.end(body);
  },
  /** Redirects HEAD forever, and answers GET with the requested part of a photo. */
  headloop: (exchange) => {
    const { request, response } = exchange;
    if (request.method === 'HEAD') response.writeHead(302, { location: '/headloop' }).end();
    else behaviours.headless(exchange);
  },
  /** A gzip body cut in half (`broken=cut`) or with its middle overwritten. */
  brokenGzip: ({ response, query }) => {
    const body = gzipSync(picture, { level: 0 });
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(
      query.get('broken') === 'cut' ? body.subarray(0, body.length / 2) : body.fill(255, 20, 4000),
    );
  },
  /** Redirects to `to` with `status` (302), after `ms`; no `to`, no Location. */
  redirect: ({ response, query }) => {
    const to = query.get('to');
    setTimeout(
      () => {
        response.writeHead(Number(query.get('status') ?? 302), { ...(to !== null && { location: to }) });
        response.end('moved');
      },
      Number(query.get('ms') ?? 0),
    );
  },
  /** Redirects to itself. */
  loop: ({ response, request }) => {
    response.writeHead(302, { location: request.url ?? '/' }).end();
  },
  /** `n` redirects, then the picture. */
  hops: ({ response, query }) => {
    const left = Number(query.get('n'));
    response.writeHead(302, { location: left > 1 ? `/hops?n=${(left - 1).toString()}` : '/ok' }).end();
  },
  /** Answers `code`, with `retryAfter` and a short body. */
  status: ({ response, query }) => {
    const retryAfter = query.get('retryAfter');
    const code = Number(query.get('code'));
    response.writeHead(code, { ...(retryAfter !== null && { 'retry-after': retryAfter }) });
    response.end(code === 204 || code === 205 || code === 304 ? undefined : 'no picture');
  },
  /** 200 without a single byte. */
  empty: ({ response }) => {
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end();
  },
  /** Sends excessive headers: `kilobytes` (256) of them. */
  bigHeaders: ({ response, query }) => {
    const padding = 'x'.repeat(Number(query.get('kilobytes') ?? 256) * 1024);
    response.writeHead(200, { 'x-padding': padding }).end(picture);
  },
} as const satisfies Record<string, (exchange: Exchange) => void>;

/** The part that a `Range` from the first byte requests; undefined for other ranges. */
function firstPart(bytes: Buffer, range = ''): Buffer | undefined {
  const last = /^bytes=0-(\d+)$/.exec(range)?.[1];
  return last === undefined ? undefined : bytes.subarray(0, Number(last) + 1);
}

function compress(body: Buffer, coding: string): Buffer {
  const compressors: Record<string, (body: Buffer) => Buffer> = {
    gzip: gzipSync,
    'x-gzip': gzipSync,
    deflate: deflateSync,
    'raw deflate': deflateRawSync,
    br: brotliCompressSync,
  };
  return compressors[coding]?.(body) ?? body;
}

/** Listens on `address` (127.0.0.1; `::` takes IPv4 and IPv6), on a free port. */
export async function startHostileHost(address = '127.0.0.1'): Promise<HostileHost> {
  const requests: Pick<IncomingMessage, 'url' | 'method' | 'headers'>[] = [];
  const server = createServer((request, response) => {
    const { url = '/', method, headers } = request;
    requests.push({ url, method, headers });
    const { pathname, searchParams } = new URL(url, 'http://host');
    const behave = Object.entries(behaviours).find(([name]) => pathname === `/${name}`)?.[1];
    if (behave === undefined) response.writeHead(404).end();
    else behave({ request, response, query: searchParams });
  });
  const sockets = trackSockets(server);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port.toString()}`;
  return {
    port,
    host,
    requests,
    url: (path) => `http://${host}${path}`,
    ...sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function trackSockets(server: TcpServer): Pick<HostileHost, 'connections' | 'allClosed'> {
  const open = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted++;
    open.add(socket);
    // A client may reset its connection.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      if (open.size === 0) server.emit('idle');
    });
  });
  return {
    connections: () => accepted,
    allClosed: () =>
      new Promise((resolve) => {
        if (open.size === 0) resolve();
        else server.once('idle', resolve);
      }),
  };
}

/** Accepts connections and sends nothing, not even the first byte of TLS. */
export async function startSilentHost(): Promise<
  Pick<HostileHost, 'host' | 'connections' | 'allClosed' | 'close'>
> {
  // Without reading, it would not notice that the client has closed the connection.
  const server = createTcpServer((socket) => socket.resume());
  const sockets = trackSockets(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port.toString()}`,
    ...sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}
