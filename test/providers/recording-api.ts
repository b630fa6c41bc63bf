/** A stand-in for a provider's API: it records each request and returns the given responses. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

import type { Http } from '../../src/domain/provider.js';
import { createHttp } from '../../src/infra/net/http-client.js';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless it is a text. `hang`: receives the request and closes the connection. */
  readonly body?: unknown;
  readonly hang?: true;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** Without transport headers. */
  readonly headers: IncomingHttpHeaders;
  /** Parsed if it is JSON. */
  readonly body: unknown;
}

export interface RecordingApi {
  readonly origin: string;
  readonly requests: RecordedRequest[];
  /** The responses in order; the last one repeats. */
  readonly answers: Answer[];
  readonly http: Http;
  readonly close: () => Promise<void>;
}

const ofTheCarriage = new Set([
  'host',
  'connection',
  'content-length',
  'accept',
  'accept-encoding',
  'user-agent',
]);

export async function startRecordingApi(): Promise<RecordingApi> {
  const requests: RecordedRequest[] = [];
  const answers: Answer[] = [];
  const server: Server = createServer((request, response) => {
    void buffer(request).then((bytes) => {
      const headers = Object.entries(request.headers).filter(([name]) => !ofTheCarriage.has(name));
      const isJson = request.headers['content-type'] === 'application/json';
      requests.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: Object.fromEntries(headers),
        body: isJson ? JSON.parse(bytes.toString()) : bytes.toString('latin1'),
      });
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500 };
      if (answer.hang) return request.socket.destroy();
      const { status, headers: answered = {}, body = '' } = answer;
      return response.writeHead(status, answered).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const http = createHttp({ timeoutMs: 5_000 });
  return {
    origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    answers,
    http,
    close: async () => {
      await http.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
