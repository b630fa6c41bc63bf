/** A double of the service: it stands in front of it and spoils what it passes on, or what it answers. */
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

import type { WireAnswer, WireRequest } from './wire.js';

export interface Spoiling {
  /** What the service gets to see. */
  readonly request?: (request: WireRequest) => WireRequest;
  /** What the caller gets to see; undefined: nothing, for ever. */
  readonly answer?: (answer: WireAnswer, request: WireRequest) => Promise<WireAnswer> | WireAnswer;
}

export interface Between {
  readonly port: number;
  readonly close: () => void;
}

/** Forwards to the service at `port`. */
export async function standBetween(port: number, spoiling: Spoiling): Promise<Between> {
  const forward = (request: WireRequest): Promise<WireAnswer> =>
    new Promise((resolve, reject) => {
      const headers = request.lines.flatMap((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at), line.slice(at + 1).trim()];
      });
      const { method, path } = request;
      const question = ask({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        buffer(response).then((body) => {
          resolve({ status: response.statusCode ?? 0, text: body.toString('utf8') });
        }, reject);
      });
      question.on('error', reject).end(request.body);
    });

  const server = createServer((incoming, response) => {
    const pass = async (): Promise<void> => {
      const raw = incoming.rawHeaders;
      const lines = raw.flatMap((name, index) =>
        index % 2 === 0 && !/^(connection|content-length)$/i.test(name)
          ? [`${name}: ${raw[index + 1] ?? ''}`]
          : [],
      );
      const request = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        lines,
        body: await buffer(incoming),
      };
      const seen = spoiling.request?.(request) ?? request;
      const given = await forward(seen);
      const answer = (await spoiling.answer?.(given, request)) ?? given;
      response
        .writeHead(answer.status, { 'content-length': Buffer.byteLength(answer.text) })
        .end(answer.text);
    };
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
