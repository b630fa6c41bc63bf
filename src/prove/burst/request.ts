/** One request on its own connection, and its response. */
import { Agent, request as ask } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export interface Answer {
  /** 0: the connection ended without a response. */
  readonly status: number;
  readonly retryAfter?: string | undefined;
  readonly text: string;
  readonly tookMs: number;
}

const agent = new Agent({ keepAlive: false });

/** Never rejects: a closed connection is a result that the caller evaluates. */
export function send(port: number, { method, path, headers, body }: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const began = performance.now();
    const settle = (answer: Omit<Answer, 'tookMs'>): void => {
      resolve({ ...answer, tookMs: performance.now() - began });
    };
    const endWithoutAnswer = (): void => {
      settle({ status: 0, text: '' });
    };
    ask({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
      buffer(response).then((content) => {
        const retryAfter = response.headers['retry-after'];
        settle({ status: response.statusCode ?? 0, retryAfter, text: content.toString('utf8') });
      }, endWithoutAnswer);
    })
      .on('error', endWithoutAnswer)
      .end(body);
  });
}
