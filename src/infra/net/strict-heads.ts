/**
 * Some hosts begin their responses in ways that every browser understands but undici's strict parser refuses:
 * a repeated or non-numeric length, a length together with chunks, characters that no header may contain,
 * lines without a colon, an unexpected "100 Continue". This module reads the head of each response like a
 * browser and passes it on in the strict form that the parser accepts. The body stays as it is.
 */
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** About what browsers accept: Chromium allows 256 KB. */
export const maxHeadBytes = 131_072;

/**
 * A connector for requests that are written at once and one after another, such as requests without a body.
 */
export function tolerantHeads(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    connect(target, (...result) => {
      const [, socket] = result;
      if (socket) rewriteHeads(socket);
      callback(...result);
    });
  };
}

function rewriteHeads(socket: Socket): void {
  let isHeadExpected = false;
  let collected = collectHead();
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    isHeadExpected = true;
    return write(...args);
  };
  const rewrite = (chunk: Buffer): Buffer | undefined => {
    let rest = chunk;
    while (isHeadExpected) {
      const found = collected.add(rest);
      if (found === undefined) return undefined;
      collected = collectHead();
      rest = found.rest;
      // These responses only announce the final one; 101 would switch to another protocol.
      if (/^HTTP\/[\d.]+ +1(?!01)\d\d\b/i.test(found.head)) continue;
      isHeadExpected = false;
      return Buffer.concat([Buffer.from(found.head === '' ? '' : strictHead(found.head), 'latin1'), rest]);
    }
    return rest;
  };
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  socket.read = (size?: number) => {
    // Node itself reads zero bytes in order to be notified of more.
    if (size !== undefined) return read(size);
    for (;;) {
      const chunk = read();
      const answer = chunk && rewrite(chunk);
      if (answer !== undefined) return answer;
    }
  };
}

interface CollectedHead {
  /**
   * Latin-1 text. Empty if the bytes are not an HTTP head or the head is too long; the parser then refuses
   * them.
   */
  readonly head: string;
  readonly rest: Buffer;
}

/**
 * Collects the bytes of a response until its head is complete. A host can send a long head byte by byte, so
 * each byte is examined once: only the last two of the earlier bytes can belong to the end of the head
 * together with a new chunk.
 */
function collectHead(): { readonly add: (chunk: Buffer) => CollectedHead | undefined } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let tail = Buffer.alloc(0);
  let isHttp = false;
  const joined = (): Buffer => {
    const whole = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, bytes);
    chunks.splice(0, chunks.length, whole);
    return whole;
  };
  return {
    add: (chunk) => {
      const bytesBefore = bytes;
      const boundary = Buffer.concat([tail, chunk]);
      chunks.push(chunk);
      bytes += chunk.length;
      if (!isHttp) {
        const start = joined().toString('latin1', 0, 5).toUpperCase();
        if (!'HTTP/'.startsWith(start)) return { head: '', rest: joined() };
        isHttp = start.length === 5;
      }
      // The head may end in bytes that arrived before it was recognised as HTTP.
      const end = endOfHead(boundary);
      if (end !== undefined) {
        const whole = joined();
        const length = bytesBefore - tail.length + end;
        return { head: whole.toString('latin1', 0, length), rest: whole.subarray(length) };
      }
      tail = Buffer.from(boundary.subarray(-2));
      return bytes > maxHeadBytes ? { head: '', rest: joined() } : undefined;
    },
  };
}

/** Returns the position after the first empty line. */
function endOfHead(bytes: Buffer): number | undefined {
  for (let at = bytes.indexOf('\n'); at >= 0; at = bytes.indexOf('\n', at + 1)) {
    const next = bytes[at + 1] === 0x0d ? at + 2 : at + 1;
    if (bytes[next] === 0x0a) return next + 1;
  }
  return undefined;
}

interface Header {
  readonly name: string;
  readonly value: string;
}

function strictHead(text: string): string {
  const [first = '', ...lines] = text.trimEnd().split(/\r?\n/);
  const [, version = '1', status = '', reason = ''] =
    /^HTTP\/1\.([01]) +(\d+)(.*)$/i.exec(printable(first)) ?? [];
  const headers = withOneLength(headersIn(lines));
  const start = status === '' ? first : `HTTP/1.${version} ${status}${reason}`;
  return [start, ...headers.map(({ name, value }) => `${name}: ${value}`), '', ''].join('\r\n');
}

/** A line that begins with whitespace continues the previous one. Lines without a valid name are dropped. */
function headersIn(lines: readonly string[]): Header[] {
  const unfolded: string[] = [];
  for (const line of lines) {
    const before = unfolded.at(-1);
    if (/^[ \t]/.test(line) && before !== undefined)
      unfolded[unfolded.length - 1] = `${before} ${line.trim()}`;
    else unfolded.push(line);
  }
  return unfolded.flatMap((line) => {
    const [, name, value = ''] = /^([\w!#$%&'*+.^`|~-]+)[ \t]*:(.*)$/.exec(printable(line)) ?? [];
    return name === undefined ? [] : [{ name, value: value.trim() }];
  });
}

function printable(line: string): string {
  return line.replaceAll(/(?!\t)\p{Cc}/gu, (found) => (found >= '\x80' ? found : ' '));
}

/**
 * Chunked bodies need no length. A repeated length is reduced to one, and a non-numeric one is dropped: the
 * body then ends with the connection. Contradicting lengths stay as they are, so that the parser refuses
 * them.
 */
function withOneLength(headers: readonly Header[]): readonly Header[] {
  const isLength = ({ name }: Header): boolean => name.toLowerCase() === 'content-length';
  const lengths = headers.filter(isLength).flatMap(({ value }) => value.split(',').map((one) => one.trim()));
  const [length] = lengths;
  if (length === undefined) return headers;
  const others = headers.filter((header) => !isLength(header));
  const isChunked = others.some(
    ({ name, value }) => name.toLowerCase() === 'transfer-encoding' && /\bchunked$/i.test(value),
  );
  if (isChunked) return others;
  if (lengths.every((one) => !/^\d+$/.test(one)))
    return [
      ...others.filter(({ name }) => name.toLowerCase() !== 'connection'),
      { name: 'Connection', value: 'close' },
    ];
  return lengths.every((one) => one === length)
    ? [...others, { name: 'Content-Length', value: length }]
    : headers;
}
