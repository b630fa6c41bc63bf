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
  let collected = collectHead();
  const write = socket.write.bind(socket) as (...about: unknown[]) => boolean;
  socket.write = (...about: unknown[]) => {
    isAwaited = true;
    return write(...about);
  };
  const rewritten = (chunk: Buffer): Buffer | undefined => {
    let rest = chunk;
    while (isAwaited) {
      const found = collected.add(rest);
      if (found === undefined) return undefined;
      collected = collectHead();
      rest = found.rest;
      // These only say that the answer is to come; 101 would be another protocol.
      if (/^HTTP\/[\d.]+ +1(?!01)\d\d\b/i.test(found.head)) continue;
      isAwaited = false;
      return Buffer.concat([Buffer.from(found.head === '' ? '' : strictHead(found.head), 'latin1'), rest]);
    }
    return rest;
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

interface CollectedHead {
  /** In Latin-1. Empty when the bytes are no head of HTTP, or too long for one: they are left for the parser to refuse. */
  readonly head: string;
  readonly rest: Buffer;
}

/**
 * Takes the bytes of an answer as they come until its head is complete. A host can send a long head byte by byte, so each byte is
 * looked at once: only the last two of the earlier bytes can belong to the end of the head together with a new chunk.
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
      const before = bytes;
      const seam = Buffer.concat([tail, chunk]);
      chunks.push(chunk);
      bytes += chunk.length;
      if (!isHttp) {
        const start = joined().toString('latin1', 0, 5).toUpperCase();
        if (!'HTTP/'.startsWith(start)) return { head: '', rest: joined() };
        isHttp = start.length === 5;
      }
      // The head may end in the bytes that began before it was known to be one of HTTP.
      const end = endOfHead(seam);
      if (end !== undefined) {
        const whole = joined();
        const length = before - tail.length + end;
        return { head: whole.toString('latin1', 0, length), rest: whole.subarray(length) };
      }
      tail = Buffer.from(seam.subarray(-2));
      return bytes > mostHeadBytes ? { head: '', rest: joined() } : undefined;
    },
  };
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
