/**
 * Undoes content codings while streaming. We ask for none, but some hosts compress anyway. A small body can
 * unfold into terabytes, so every stage is counted and nothing runs ahead of its reader.
 */
import { Duplex, pipeline, Transform, type Readable } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Inflate,
  type InflateRaw,
} from 'node:zlib';
import { AppError } from '../domain/errors.js';

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: () => new EitherInflate(),
  br: createBrotliDecompress,
} as const satisfies Record<string, () => Duplex>;

export type ContentCoding = keyof typeof decoders;

/** Nobody stacks this many in earnest, and each one costs a decoder. */
const mostCodings = 3;

/**
 * The codings named by a `content-encoding` header, in the order they were applied; `[]` for a plain body.
 * Throws `media.unsupported_encoding`.
 */
export function parseContentCodings(header: string | undefined): readonly ContentCoding[] {
  const names = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > mostCodings || !names.every(isCoding)) {
    throw new AppError(
      'media.unsupported_encoding',
      'The answer is compressed in a way that is not supported',
    );
  }
  return names;
}

function isCoding(name: string): name is ContentCoding {
  return Object.hasOwn(decoders, name);
}

/**
 * The plain bytes of `body`. Destroying either end destroys both. The stream fails with `media.too_large` once
 * what goes into any decoder exceeds `maxBytes` (the caller counts what comes out of the last), with zlib's own
 * error where the data is broken, and with the error of `body`.
 */
export function decode(body: Readable, codings: readonly ContentCoding[], maxBytes: number): Readable {
  const stages = codings.toReversed().flatMap((coding) => [byteCap(maxBytes), decoders[coding]()]);
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

/**
 * `deflate` means zlib's format, yet some servers send the bare stream; the first byte tells them apart.
 * Passes the reader's pace on to the decoder, which a plain Transform around another one would not.
 */
class EitherInflate extends Duplex {
  #inflate: Inflate | InflateRaw | undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inflate ??= this.#start(((chunk[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw());
    this.#inflate.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#inflate === undefined) {
      this.push(null);
      done();
    } else {
      this.#inflate.end(done);
    }
  }

  override _read(): void {
    this.#inflate?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inflate?.destroy();
    done(error);
  }

  #start(inflate: Inflate | InflateRaw): Inflate | InflateRaw {
    return inflate
      .on('data', (chunk: Buffer) => {
        if (!this.push(chunk)) inflate.pause();
      })
      .once('end', () => this.push(null))
      .once('error', (error) => this.destroy(error));
  }
}
