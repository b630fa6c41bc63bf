/** A proxy in front of the service that spoils requests or responses: a weakened double of the service. */
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

import type { WireAnswer, WireRequest } from './wire.js';

export interface Spoiling {
  /** The request that the service receives. */
  readonly request?: (request: WireRequest) => WireRequest;
  /** The response that the client receives; undefined means none, forever. */
  readonly answer?: (answer: WireAnswer, request: WireRequest) => Promise<WireAnswer> | WireAnswer;
}

export interface Between {
  readonly port: number;
  readonly close: () => void;
}

/** Forwards to the service at `port`. */
export async function standBetween(port: number, spoiling: Spoiling): Promise<Between> {
  /** The bytes of a response, which may be no text. They are passed on unless the response is another one. */
  const forward = (request: WireRequest): Promise<{ readonly answer: WireAnswer; readonly body: Buffer }> =>
    new Promise((resolve, reject) => {
      const headers = request.lines.flatMap((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at), line.slice(at + 1).trim()];
      });
      const { method, path } = request;
      const question = ask({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        buffer(response).then((body) => {
          resolve({ answer: { status: response.statusCode ?? 0, text: body.toString('utf8') }, body });
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
      const forwarded = spoiling.request?.(request) ?? request;
      const original = await forward(forwarded);
      const answer = (await spoiling.answer?.(original.answer, request)) ?? original.answer;
      const body = answer === original.answer ? original.body : Buffer.from(answer.text);
      response.writeHead(answer.status, { 'content-length': body.length }).end(body);
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
