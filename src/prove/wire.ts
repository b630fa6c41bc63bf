/** Sends requests as no library would: header lines exactly as given, even repeated or folded. */
import { connect } from 'node:net';

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** Lines of the head without the request line, `host`, `content-length` and `connection`. */
  readonly lines: readonly string[];
  readonly body: Buffer | string;
}

export interface WireAnswer {
  /** 0 if the connection ended without a response. */
  readonly status: number;
  readonly text: string;
}

const patienceMs = 20_000;

/** Sends one request on its own connection. Never rejects: the caller evaluates the result. */
export function exchange(port: number, request: WireRequest): Promise<WireAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytesOf({ ...request, lines: [...request.lines, 'connection: close'] }));
    });
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ status, text: text.slice(text.indexOf('\r\n\r\n') + 4) });
    });
  });
}

/** The bytes on the wire; the connection is reused unless `lines` say otherwise. */
export function bytesOf({ method, path, lines, body }: WireRequest): Buffer {
  const content = Buffer.from(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...lines,
    `content-length: ${String(content.length)}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), content]);
}

/** Runs `work` for each item, this many at once. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
