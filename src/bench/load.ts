/** A cheap load generator: prepared requests over plain sockets, one in flight on each connection. */
import { connect, type Socket } from 'node:net';

export interface LoadResult {
  readonly perSecond: number;
  /** Responses by status. */
  readonly statuses: ReadonlyMap<number, number>;
}

export interface Load {
  readonly port: number;
  /** Each request is sent once. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  /** Called with each response. */
  readonly answered?: (status: number, body: string) => void;
}

/** The bytes of a request. */
export function httpRequest(path: string, headers: Readonly<Record<string, string>>, body: string): Buffer {
  const lines = Object.entries({
    host: '127.0.0.1',
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
  });
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  );
}

/** Sends all requests and resolves after the last response. */
export async function runLoad({ port, requests, connections, answered }: Load): Promise<LoadResult> {
  const statuses = new Map<number, number>();
  let next = 0;
  const sockets = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const started = performance.now();
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((done, fail) => {
          const send = (): void => {
            const request = requests[next];
            next += 1;
            if (request) socket.write(request);
            else done();
          };
          onAnswers(socket, (status, body) => {
            answered?.(status, body);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            send();
          });
          socket.once('error', fail);
          socket.once('close', () => {
            fail(new Error('a connection was closed'));
          });
          send();
        }),
    ),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const socket of sockets) socket.destroy();
  return { perSecond: requests.length / seconds, statuses };
}

export function openConnection(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(socket.setNoDelay(true));
    });
    socket.once('error', reject);
  });
}

/** Parses responses with a Content-Length, which both servers send. */
export function onAnswers(socket: Socket, answered: (status: number, body: string) => void): void {
  let pending = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    pending += chunk;
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /content-length: (\d+)/i.exec(pending.slice(0, end))?.[1];
      const total = end + 4 + Number(length ?? 0);
      if (pending.length < total) return;
      const status = Number(pending.slice(9, 12));
      const body = pending.slice(end + 4, total);
      pending = pending.slice(total);
      answered(status, body);
    }
  });
}
