/** Heads of responses are read like in browsers, in any pieces, and each byte costs the same. */
import { describe, expect, it } from '@jest/globals';
import { Socket } from 'node:net';
import type { buildConnector } from 'undici';

import { maxHeadBytes, tolerantHeads } from '../../../src/infra/net/strict-heads.js';
import { threadCpuMs } from '../../support/cpu-time.js';

const answer = [
  'HTTP/1.1 100 Continue',
  '',
  'HTTP/1.1 200 OK',
  'Content-Length: 4',
  'X-Folded: one',
  '  two',
  'a line without a colon',
  'Content-Length: 4',
  '',
  'body',
].join('\r\n');
const strict = ['HTTP/1.1 200 OK', 'X-Folded: one two', 'Content-Length: 4', '', 'body'].join('\r\n');

/** A socket that is never connected: the test pushes its bytes, so that it decides how they are split. */
class Host extends Socket {
  override _read(): void {
    // There is nothing to read.
  }
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** What undici reads from a host that responds with these pieces. */
async function readFrom(pieces: readonly Buffer[]): Promise<string> {
  const host = new Host();
  const connect: buildConnector.connector = (_, callback) => {
    callback(null, host);
  };
  const socket = await new Promise<Socket>((resolve) => {
    tolerantHeads(connect)({} as buildConnector.Options, (_error, connected) => {
      resolve(connected ?? host);
    });
  });
  socket.write('GET / HTTP/1.1\r\n\r\n');
  const read: Buffer[] = [];
  for (const piece of pieces) {
    host.push(piece);
    for (let chunk = takeFrom(socket); chunk !== null; chunk = takeFrom(socket)) read.push(chunk);
  }
  return Buffer.concat(read).toString('latin1');
}

function takeFrom(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

function inPieces(text: string, length: number): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

describe('the head of an answer', () => {
  it('is passed on in the strict form', async () => {
    expect(await readFrom([Buffer.from(answer)])).toBe(strict);
  });

  it.each(Array.from({ length: 19 }, (_, index) => index + 1))(
    'is the same in pieces of %i bytes',
    async (length) => {
      expect(await readFrom(inPieces(answer, length))).toBe(strict);
      const bare = answer.replaceAll('\r\n', '\n');
      expect(await readFrom(inPieces(bare, length))).toBe(strict);
    },
  );

  it('of another protocol is passed on unchanged', async () => {
    const other = '+OK hello\r\n\r\nHTTP/1.1 200 OK\r\n\r\n';
    expect(await readFrom(inPieces(other, 3))).toBe(other);
  });

  it('that is too long is passed on unchanged', async () => {
    const long = `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(maxHeadBytes / 6 + 1)}`;
    expect(await readFrom(inPieces(long, 1_000))).toBe(long);
  });

  it('costs little, even if it arrives byte by byte', async () => {
    const long = `HTTP/1.1 200 OK\r\n${'x:\r\n'.repeat(maxHeadBytes / 4 - 10)}\r\n`;
    const pieces = inPieces(long, 1);
    const { ms } = await threadCpuMs(() => readFrom(pieces));
    expect(ms).toBeLessThan(2_000);
  });
});
