/**
 * Some hosts begin their answers in ways that every browser understands and undici's strict parser refuses: a length that is repeated or
 * no number, a length beside chunks, letters that no header may have, lines without a colon, an unasked "100 Continue". Here the head of
 * each answer is read as browsers read it, and handed on in the form that the parser knows. The body is left alone.
 */
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** What browsers take, or nearly: Chromium has 256 KB. */
export const mostHeadBytes = 131_072;

/** A connector for requests that are written at once and one after another, as those without a body are. */
export function strictHeads(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    connect(target, (...result) => {
      const [, socket] = result;
      if (socket) rewriteHeads(socket);
      callback(...result);
    });
  };
}

function rewriteHeads(socket: Socket): void {
  let isAwaited = false;
  let held: Buffer = Buffer.alloc(0);
  const write = socket.write.bind(socket) as (...about: unknown[]) => boolean;
  socket.write = (...about: unknown[]) => {
    isAwaited = true;
    return write(...about);
  };
  const rewritten = (chunk: Buffer): Buffer | undefined => {
    if (!isAwaited) return chunk;
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const { head, rest } = strictAnswer(held);
    held = rest;
    if (head === undefined) return undefined;
    isAwaited = false;
    held = Buffer.alloc(0);
    return Buffer.concat([head, rest]);
  };
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
  socket.read = (size?: number) => {
    // Node itself asks for no bytes in order to be told of more.
    if (size !== undefined) return read(size);
    for (;;) {
      const chunk = read();
      const answer = chunk && rewritten(chunk);
      if (answer !== undefined) return answer;
    }
  };
}

interface Answer {
  /** Undefined: it is not there yet. */
  readonly head: Buffer | undefined;
  readonly rest: Buffer;
}

/** What is no head of HTTP, or too long for one, is left for the parser to complain of. */
function strictAnswer(bytes: Buffer): Answer {
  let rest = bytes;
  for (;;) {
    const start = rest.toString('latin1', 0, 5).toUpperCase();
    if (!'HTTP/'.startsWith(start)) return { head: Buffer.alloc(0), rest };
    const end = endOfHead(rest);
    if (end === undefined) return { head: rest.length > mostHeadBytes ? Buffer.alloc(0) : undefined, rest };
    const head = rest.toString('latin1', 0, end);
    rest = rest.subarray(end);
    // These only say that the answer is to come; 101 would be another protocol.
    if (!/^HTTP\/[\d.]+ +1(?!01)\d\d\b/i.test(head))
      return { head: Buffer.from(strictHead(head), 'latin1'), rest };
  }
}

/** Behind the first empty line. */
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

/** A line that begins with a blank goes on with the one before it. What has no proper name is left out. */
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
 * Chunks have their own lengths. A length that is said twice is said once, and one that is no number is none: the body then ends with
 * the connection. Lengths that contradict each other stay as they are, for the parser to refuse.
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
