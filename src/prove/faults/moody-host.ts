/**
 * A media host that misbehaves in the requested way for the first requests of each picture, and works
 * afterwards.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

interface Hosted {
  readonly content: Buffer;
  readonly response: ServerResponse;
  readonly path: string;
  /** A hundred kilobytes that decompress to a hundred megabytes. */
  readonly bomb: Buffer;
}

const bombBytes = 100_000_000;
/** The delay that the host requests from frequent clients, in seconds. */
export const retryAfterSeconds = 2;

/** How a host may misbehave. */
const moods = {
  hangs: () => undefined,
  drips: ({ content, response }) => {
    response.writeHead(200, { 'content-length': content.length });
    let sent = 0;
    const timer = setInterval(() => response.write(content.subarray(sent, ++sent)), 1_000);
    response.on('close', () => {
      clearInterval(timer);
    });
  },
  resets: ({ content, response }) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, content.length / 2), () => response.socket?.resetAndDestroy());
  },
  'promises more': ({ content, response }) => {
    response.socket?.end(Buffer.concat([headOf(content.length + 10_000), content]));
  },
  'promises less': ({ content, response }) => {
    response.socket?.end(Buffer.concat([headOf(promisedOf(content).length), content]));
  },
  bombs: ({ response, bomb }) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
  },
  'redirects for ever': ({ response, path }) => {
    response.writeHead(302, { location: path }).end();
  },
  'rate-limits': ({ response }) => {
    response.writeHead(429, { 'retry-after': String(retryAfterSeconds) }).end('later');
  },
} as const satisfies Record<string, (hosted: Hosted) => unknown>;

export type Mood = keyof typeof moods;

export interface MoodyHost {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Serves the picture, badly for the first requests; returns its link. */
  readonly serve: (picture: {
    readonly content: Buffer;
    readonly mood?: Mood;
    readonly times?: number;
  }) => string;
  /** Serves this picture correctly from now on. */
  readonly calmDown: (link: string) => void;
  /** The times of requests for a link, on the clock of `performance`. */
  readonly asked: (link: string) => readonly number[];
  readonly close: () => void;
}

export async function startMoodyHost(): Promise<MoodyHost> {
  const pictures = new Map<
    string,
    { content: Buffer; mood: Mood | undefined; times: number; asked: number[] }
  >();
  const bomb = await promisify(gzip)(Buffer.alloc(bombBytes));
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const picture = pictures.get(path);
    response.on('error', () => undefined);
    if (!picture) {
      response.writeHead(404).end();
      return;
    }
    const { content, mood, times, asked } = picture;
    asked.push(performance.now());
    if (mood !== undefined && asked.length <= times) moods[mood]({ content, response, path, bomb });
    else response.writeHead(200, { 'content-length': content.length }).end(content);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const pathOf = (link: string): string => new URL(link).pathname;
  return {
    host,
    serve: ({ content, mood, times = 1 }) => {
      const path = `/${String(pictures.size)}.jpg`;
      pictures.set(path, { content, mood, times, asked: [] });
      return `http://${host}${path}`;
    },
    calmDown: (link) => {
      const picture = pictures.get(pathOf(link));
      if (picture) picture.times = 0;
    },
    asked: (link) => pictures.get(pathOf(link))?.asked ?? [],
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The picture as a client sees it that trusts a wrong length. */
export function promisedOf(content: Buffer): Buffer {
  return content.subarray(0, content.length / 2);
}

function headOf(length: number): Buffer {
  return Buffer.from(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${length.toFixed(0)}\r\n\r\n`);
}
