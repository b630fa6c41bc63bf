/** Reads one address again and again over plain sockets, and counts the bytes instead of keeping them. */
import { connect, type Socket } from 'node:net';

export interface ReadLoad {
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  /** How long requests are begun, in milliseconds. */
  readonly forMs: number;
}

export interface Reads {
  readonly perSecond: number;
  /** The length of the body of every response, in bytes. */
  readonly bytes: number;
}

/** Rejects if a response is not 200 or has another length than the first one. */
export async function readAgainAndAgain(load: ReadLoad): Promise<Reads> {
  const request = requestOf(load);
  const started = performance.now();
  const readers = Array.from({ length: load.connections }, () =>
    readUntil(started + load.forMs, { port: load.port, request }),
  );
  const results = await Promise.all(readers);
  const seconds = (performance.now() - started) / 1000;
  const lengths = new Set(results.map(({ bytes }) => bytes));
  const [bytes = 0] = lengths;
  if (lengths.size > 1) throw new Error(`${load.path} was answered with ${[...lengths].join(' and ')} bytes`);
  return { perSecond: results.reduce((sum, { count }) => sum + count, 0) / seconds, bytes };
}

function requestOf({ path, headers = {} }: ReadLoad): Buffer {
  const lines = Object.entries({ host: '127.0.0.1', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

interface ConnectionReads {
  readonly count: number;
  readonly bytes: number;
}

/** One connection with one request in flight. */
function readUntil(
  deadline: number,
  { port, request }: { readonly port: number; readonly request: Buffer },
): Promise<ConnectionReads> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let bytes: number | undefined;
    const answers = createAnswerCounter((status, length) => {
      if (status !== 200 || (bytes !== undefined && bytes !== length)) {
        socket.destroy(new Error(`an answer has status ${String(status)} and ${String(length)} bytes`));
        return;
      }
      bytes = length;
      count += 1;
      if (performance.now() < deadline) socket.write(request);
      else socket.destroy();
    });
    const onread = {
      buffer: Buffer.allocUnsafe(256 * 1024),
      callback: (length: number, buffer: Uint8Array): boolean => {
        answers.push(buffer.subarray(0, length));
        return true;
      },
    };
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () => {
      socket.write(request);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      resolve({ count, bytes: bytes ?? 0 });
    });
  });
}

/** Takes the bytes of a connection, and tells of each response whose body is complete. */
function createAnswerCounter(answered: (status: number, length: number) => void): {
  readonly push: (chunk: Uint8Array) => void;
} {
  let head = '';
  let missing = 0;
  let current = { status: 0, length: 0 };

  const readHead = (chunk: Uint8Array): Uint8Array => {
    head += Buffer.from(chunk).toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return chunk.subarray(chunk.length);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head.slice(0, end + 2))?.[1]);
    current = { status: Number(head.slice(9, 12)), length };
    const rest = head.length - end - 4;
    head = '';
    missing = length;
    return chunk.subarray(chunk.length - rest);
  };

  return {
    push: (chunk) => {
      const body = missing > 0 ? chunk : readHead(chunk);
      missing -= body.length;
      if (head === '' && missing === 0) answered(current.status, current.length);
    },
  };
}
