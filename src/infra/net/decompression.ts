/**
 * Undoes content codings while streaming. We ask for none, but some hosts compress anyway, and others name a coding that they
 * have not applied: stores keep `aws-chunked`, `utf-8` or `base64` with a file for ever. So the header only says what may be
 * there, and the first bytes say whether it is. A small body can unfold into terabytes, so every stage is counted and nothing
 * runs ahead of its reader.
 */
import { Duplex, PassThrough, pipeline, Transform, type Readable } from 'node:stream';
import {
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';
import { AppError } from '../../domain/errors.js';
import { unknownType } from '../../domain/media.js';
import { sniffType } from '../file-types/detect.js';
import { failureName } from '../logging/failure-name.js';

/** Whoever understands a coding: what undoes it, or undefined when the first bytes are not in it. */
type Decoder = (head: Buffer) => Promise<Duplex | undefined> | Duplex | undefined;

const gunzip = (head: Buffer): Duplex | undefined =>
  startsWith(head, [0x1f, 0x8b]) ? createGunzip() : undefined;

const decoders = {
  gzip: gunzip,
  'x-gzip': gunzip,
  // It means zlib's format, yet some servers send the bare stream.
  deflate: async (head) => {
    if (isZlib(head)) return createInflate();
    const isBare = await unfolds(head, (bytes, maxOutputLength) =>
      inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }),
    );
    return isBare ? createInflateRaw() : undefined;
  },
  br: async (head) => {
    const isBrotli = await unfolds(head, (bytes, maxOutputLength) =>
      brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength }),
    );
    return isBrotli ? createBrotliDecompress() : undefined;
  },
  zstd: unsupported([0x28, 0xb5, 0x2f, 0xfd]),
  compress: unsupported([0x1f, 0x9d]),
  'x-compress': unsupported([0x1f, 0x9d]),
} as const satisfies Record<string, Decoder>;

export type ContentCoding = keyof typeof decoders;

/** What undoes a coding, or where the bytes are in another one, that: some hosts name the wrong one. */
async function decoderFor(coding: ContentCoding, head: Buffer): Promise<Duplex | undefined> {
  const named = await decoders[coding](head);
  return named ?? gunzip(head) ?? inflate(head);
}

/** Two bytes alone are no proof where nobody says that it is this coding. */
async function inflate(head: Buffer): Promise<Duplex | undefined> {
  const isDeflated =
    isZlib(head) &&
    (await unfolds(head, (bytes, maxOutputLength) =>
      inflateSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }),
    ));
  return isDeflated ? createInflate() : undefined;
}

/** Nobody stacks this many in earnest, and each one costs a decoder. */
const mostCodings = 3;

/**
 * The codings that a `content-encoding` header names, in the order they were applied; `[]` for a plain body. Whatever is no name
 * of a coding is left out. Throws `media.unsupported_encoding` for more than anybody uses.
 */
export function parseContentCodings(header: string | undefined): readonly ContentCoding[] {
  const names = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.replace(/;.*/s, '').replaceAll('"', '').trim())
    .filter(isCoding);
  if (names.length > mostCodings) throw unsupportedCoding();
  return names;
}

function isCoding(name: string): name is ContentCoding {
  return Object.hasOwn(decoders, name);
}

function unsupported(start: readonly number[]): Decoder {
  return (head) => {
    if (startsWith(head, start)) throw unsupportedCoding();
    return undefined;
  };
}

function unsupportedCoding(): AppError {
  return new AppError(
    'media.unsupported_encoding',
    'The answer is compressed in a way that is not supported',
  );
}

function startsWith(bytes: Buffer, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

/** RFC 1950: the method and the size of its window, and a sum that makes both bytes a multiple of 31. */
function isZlib(head: Buffer): boolean {
  const first = head[0] ?? 0;
  const second = head[1] ?? 0;
  return (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
}

const mostTriedBytes = 65_536;

/**
 * Whether the first bytes can be undone, for codings whose data begin in no way of their own. Bytes that are those of a known type
 * as they are stay so: a text can pass for compressed data.
 */
async function unfolds(
  head: Buffer,
  unfold: (bytes: Buffer, maxOutputLength: number) => Buffer,
): Promise<boolean> {
  if ((await sniffType(head)) !== unknownType) return false;
  try {
    return unfold(head, mostTriedBytes).length > 0;
  } catch (error) {
    return failureName(error) === 'ERR_BUFFER_TOO_LARGE';
  }
}

/**
 * The plain bytes of `body`. Destroying either end destroys both. The stream fails with `media.too_large` once
 * what goes into any decoder exceeds `maxBytes` (the caller counts what comes out of the last), with
 * `media.unsupported_encoding`, with zlib's own error where the data is broken, and with the error of `body`.
 */
export function decode(body: Readable, codings: readonly ContentCoding[], maxBytes: number): Readable {
  const stages = codings.toReversed().flatMap((coding) => [byteCap(maxBytes), new Unfolding(coding)]);
  const last = stages.at(-1);
  if (last === undefined) return body;
  // Errors reach the reader through `last`; without a listener they would end the process when nobody reads.
  last.on('error', ignore);
  pipeline([body, ...stages], ignore);
  return last;
}

function ignore(): void {
  // Nothing to do: see the callers.
}

function byteCap(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
}

/** The error for a body, or a stage of it, of more than `maxBytes`. */
export function tooLarge(maxBytes: number): AppError {
  return new AppError('media.too_large', `More than ${maxBytes.toString()} bytes`);
}

/** As many as tell a type. */
const headBytes = 4100;

/**
 * Undoes a coding where the bytes are in it, and passes them on where they are not. Passes the reader's pace on to the decoder,
 * which a plain Transform around another one would not.
 */
class Unfolding extends Duplex {
  readonly #coding: ContentCoding;
  #gathered: Buffer = Buffer.alloc(0);
  #decoder: Duplex | undefined;

  constructor(coding: ContentCoding) {
    super();
    this.#coding = coding;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#decoder !== undefined) {
      this.#decoder.write(chunk, done);
      return;
    }
    this.#gathered = Buffer.concat([this.#gathered, chunk]);
    if (this.#gathered.length < headBytes) done();
    else this.#begin().then((decoder) => decoder.write(this.#gathered, done), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#decoder !== undefined) this.#decoder.end(done);
    else this.#begin().then((decoder) => decoder.end(this.#gathered, done), done);
  }

  override _read(): void {
    this.#decoder?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder?.destroy();
    done(error);
  }

  async #begin(): Promise<Duplex> {
    const decoder = (await decoderFor(this.#coding, this.#gathered)) ?? new PassThrough();
    this.#decoder = decoder
      .on('data', (chunk: Buffer) => {
        if (!this.push(chunk)) decoder.pause();
      })
      .once('end', () => this.push(null))
      .once('error', (error) => this.destroy(error));
    // Whoever read may have gone away while the bytes were looked at.
    if (this.destroyed) decoder.destroy();
    return decoder;
  }
}
