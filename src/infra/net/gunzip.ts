/**
 * Decodes gzip (RFC 1952), one member after the other, and ignores what follows the last one, as browsers do:
 * some hosts send a line break or a page behind a file. zlib's own decoder fails there, and loses what it has
 * decoded in the same call.
 */
import { Duplex } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';

/** Each member costs a decoder, and twenty bytes of a stranger are a member. Real files have one for each 64 KB. */
const maxMembers = 2_000;

export function createLenientGunzip(): Duplex {
  return Duplex.from(decodeMembers);
}

async function* decodeMembers(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = new Input(source);
  let members = 0;
  do {
    members += 1;
    if (members > maxMembers) throw damaged('Z_DATA_ERROR', 'there are too many members');
    await skipHeader(input);
    yield* decodeMember(input);
  } while (await startsMember(input));
  await input.skipAll();
}

async function startsMember(input: Input): Promise<boolean> {
  const head = await input.peek(3);
  return head.equals(Buffer.from([0x1f, 0x8b, 8]));
}

const flagCrc = 2;
const flagExtra = 4;
const flagName = 8;
const flagComment = 16;

async function skipHeader(input: Input): Promise<void> {
  if (!(await startsMember(input))) throw damaged('Z_DATA_ERROR', 'this is no gzip');
  const head = await input.take(10);
  const flags = head.readUInt8(3);
  if (flags & flagExtra) await input.take((await input.take(2)).readUInt16LE());
  if (flags & flagName) await input.skipText();
  if (flags & flagComment) await input.skipText();
  if (flags & flagCrc) await input.take(2);
}

async function* decodeMember(input: Input): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw();
  // The failure also ends the loop below, which throws it.
  const fed = input.feed(inflater).catch(() => undefined);
  let sum = 0;
  let bytes = 0;
  try {
    for await (const chunk of inflater as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      bytes += chunk.length;
      yield chunk;
    }
    await fed;
  } finally {
    inflater.destroy();
  }
  const trailer = await input.take(8);
  if (trailer.readUInt32LE() !== sum || trailer.readUInt32LE(4) !== bytes % 2 ** 32)
    throw damaged('Z_DATA_ERROR', 'the checksum differs');
}

/** The bytes that arrive, taken in pieces of any size. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>;
  #next: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Returns up to `count` bytes; fewer only at the end. They stay in the input. */
  async peek(count: number): Promise<Buffer> {
    while (this.#next.length < count && (await this.#read()));
    return this.#next.subarray(0, count);
  }

  async take(count: number): Promise<Buffer> {
    const bytes = await this.peek(count);
    if (bytes.length < count) throw tooShort();
    this.#next = this.#next.subarray(count);
    return bytes;
  }

  /** Skips a text and the zero byte at its end. It may be as long as the download. */
  async skipText(): Promise<void> {
    for (;;) {
      if ((await this.peek(1)).length === 0) throw tooShort();
      const end = this.#next.indexOf(0);
      this.#next = end < 0 ? Buffer.alloc(0) : this.#next.subarray(end + 1);
      if (end >= 0) return;
    }
  }

  /** Writes to the inflater until its data are complete, and keeps what it has not used. */
  async feed(inflater: ReturnType<typeof createInflateRaw>): Promise<void> {
    let given = 0;
    while (inflater.bytesWritten === given) {
      await this.peek(1);
      const chunk = this.#next;
      if (chunk.length === 0) {
        inflater.end();
        return;
      }
      await new Promise<void>((resolve, reject) => {
        inflater.write(chunk, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
      given += chunk.length;
      this.#next = chunk.subarray(chunk.length - (given - inflater.bytesWritten));
    }
  }

  async skipAll(): Promise<void> {
    do this.#next = Buffer.alloc(0);
    while (await this.#read());
  }

  async #read(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#next = this.#next.length === 0 ? next.value : Buffer.concat([this.#next, next.value]);
    return true;
  }
}

function tooShort(): Error {
  return damaged('Z_BUF_ERROR', 'the input ends too early');
}

function damaged(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
