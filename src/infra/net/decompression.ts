/**
 * Decodes content codings while streaming. No coding is requested, but some hosts compress anyway, and others
 * name a coding that they have not applied: object stores keep `aws-chunked`, `utf-8` or `base64` with a file
 * forever. The header is therefore only a hint, and the first bytes decide. A small body can decompress to
 * terabytes, so every stage is counted, and no stage runs ahead of its reader.
 */
import { Duplex, PassThrough, pipeline, Transform, type Readable } from 'node:stream';
import {
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  createInflate,
  createInflateRaw,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';
import { AppError } from '../../domain/errors.js';
import { unknownType } from '../../domain/media.js';
import { sniffType } from '../file-types/detect.js';
import { failureName } from '../logging/failure-name.js';
import { createLenientGunzip } from './gunzip.js';

/** Returns the decoder of a coding, or undefined if the first bytes are not encoded with it. */
type Decoder = (head: Buffer) => Promise<Duplex | undefined> | Duplex | undefined;

const gunzip = (head: Buffer): Duplex | undefined =>
  startsWith(head, [0x1f, 0x8b]) ? createLenientGunzip() : undefined;

const decoders = {
  gzip: gunzip,
  'x-gzip': gunzip,
  // The name stands for zlib's format, but some servers send the raw stream.
  deflate: async (head) => {
    if (isZlib(head)) return createInflate();
    const isBare = await canDecode(head, (bytes, maxOutputLength) =>
      inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }),
    );
    return isBare ? createInflateRaw() : undefined;
  },
  br: async (head) => {
    const isBrotli = await canDecode(head, (bytes, maxOutputLength) =>
      brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength }),
    );
    return isBrotli ? createBrotliDecompress() : undefined;
  },
  zstd: unsupported([0x28, 0xb5, 0x2f, 0xfd]),
  compress: unsupported([0x1f, 0x9d]),
  'x-compress': unsupported([0x1f, 0x9d]),
} as const satisfies Record<string, Decoder>;

export type ContentCoding = keyof typeof decoders;

/**
 * Returns the decoder of the named coding, or of the coding that the bytes really have: some hosts name the
 * wrong one.
 */
async function decoderFor(coding: ContentCoding, head: Buffer): Promise<Duplex | undefined> {
  const named = await decoders[coding](head);
  return named ?? gunzip(head) ?? inflate(head);
}

/** Two bytes alone are not sufficient evidence when no header names this coding. */
async function inflate(head: Buffer): Promise<Duplex | undefined> {
  const isDeflated =
    isZlib(head) &&
    (await canDecode(head, (bytes, maxOutputLength) =>
      inflateSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }),
    ));
  return isDeflated ? createInflate() : undefined;
}

/** Real responses have fewer codings, and each one costs a decoder. */
const maxCodings = 3;

/**
 * Parses the codings of a `content-encoding` header, in the order in which they were applied; `[]` for a
 * plain body. Unknown names are ignored. Throws `media.unsupported_encoding` for an unrealistic number of
 * codings.
 */
export function parseContentCodings(header: string | undefined): readonly ContentCoding[] {
  const names = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.replace(/;.*/s, '').replaceAll('"', '').trim())
    .filter(isCoding);
  if (names.length > maxCodings) throw unsupportedCoding();
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
  return new AppError('media.unsupported_encoding', 'the response uses an unsupported compression');
}

function startsWith(bytes: Buffer, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

/** RFC 1950: the method, the window size, and a checksum that makes both bytes a multiple of 31. */
function isZlib(head: Buffer): boolean {
  const first = head[0] ?? 0;
  const second = head[1] ?? 0;
  return (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
}

const maxProbedBytes = 65_536;

/**
 * Whether the first bytes can be decoded, for codings without a signature of their own. Bytes of a known file
 * type stay as they are, because a text may look like compressed data.
 */
async function canDecode(
  head: Buffer,
  decodeSync: (bytes: Buffer, maxOutputLength: number) => Buffer,
): Promise<boolean> {
  if ((await sniffType(head)) !== unknownType) return false;
  try {
    return decodeSync(head, maxProbedBytes).length > 0;
  } catch (error) {
    return failureName(error) === 'ERR_BUFFER_TOO_LARGE';
  }
}

/**
 * The decoded bytes of `body`. Destroying either end destroys both. The stream fails with `media.too_large`
 * once the input of any decoder exceeds `maxBytes` (the caller counts the output of the last one), with
 * `media.unsupported_encoding`, with zlib's own error for damaged data, and with the error of `body`.
 */
export function decode(body: Readable, codings: readonly ContentCoding[], maxBytes: number): Readable {
  const stages = codings.toReversed().flatMap((coding) => [byteCap(maxBytes), new StreamDecoder(coding)]);
  const last = stages.at(-1);
  if (last === undefined) return body;
  // Errors reach the reader through `last`; without a listener, they would end the process if there is no
  // reader.
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

/** The error for a body, or a stage of it, with more than `maxBytes`. */
export function tooLarge(maxBytes: number): AppError {
  return new AppError('media.too_large', `the file has more than ${maxBytes.toString()} bytes`);
}

/** Enough bytes to detect a type. */
const headBytes = 4100;

/**
 * Decodes the bytes if they are encoded, and passes them on otherwise. It applies the reader's backpressure
 * to the decoder, which a plain Transform around another one would not.
 */
class StreamDecoder extends Duplex {
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
    // The reader may have stopped while the first bytes were examined.
    if (this.destroyed) decoder.destroy();
    return decoder;
  }
}
