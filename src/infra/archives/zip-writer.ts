/**
 * Writes a ZIP archive as a stream, in constant memory: the directory, which a ZIP archive has at its end,
 * waits in a scratch file. Libraries hold it in memory (decision 173).
 */
import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';

import type { ScratchFile } from '../files/scratch-file.js';
import {
  dataDescriptor,
  directoryRecord,
  endOfArchive,
  localHeader,
  zip64From,
  type ZipEntry,
} from './zip-records.js';

export interface ZipFile {
  /** A relative path with forward slashes. The caller makes sure that it is unique. */
  readonly name: string;
  readonly modifiedAt: Date;
}

export interface Added {
  readonly bytes: number;
  /** Why the file could not be read to its end. */
  readonly failure: Error | undefined;
}

export interface ZipWriter {
  /** Adds a file that is in memory, without compression. */
  readonly addBytes: (file: ZipFile, bytes: Buffer) => Promise<void>;
  /**
   * Adds a file while it is read, without compression. If it cannot be read to its end, the archive stays
   * well-formed and contains what was read.
   */
  readonly addStream: (
    file: ZipFile & { readonly expectedBytes: number },
    chunks: AsyncIterable<Buffer>,
  ) => Promise<Added>;
  /** Adds a text while it is made, compressed. Rejects if it cannot be made. */
  readonly addText: (
    file: ZipFile & { readonly expectedBytes: number },
    chunks: AsyncIterable<Buffer>,
  ) => Promise<void>;
  /** Writes the directory. Nothing may be added afterwards. */
  readonly finish: () => Promise<void>;
}

/** Sizes that may still become this much larger than expected are written with 64 bits. */
const marginBytes = 64 * 1024 * 1024;

/** `write` resolves when the reader of the archive can take more. `directory` must be empty. */
export function createZipWriter(write: (bytes: Buffer) => Promise<void>, directory: ScratchFile): ZipWriter {
  let offset = 0;
  let entries = 0;
  const send = async (bytes: Buffer): Promise<void> => {
    await write(bytes);
    offset += bytes.length;
  };
  const enter = async (entry: ZipEntry): Promise<void> => {
    await directory.append(directoryRecord(entry));
    entries += 1;
  };

  const stream = async (
    file: ZipFile & { readonly expectedBytes: number },
    chunks: AsyncIterable<Buffer>,
    isDeflated: boolean,
  ): Promise<Added> => {
    const isLarge = file.expectedBytes + marginBytes >= zip64From;
    const begun = { ...entryOf(file, offset), isDeflated, isStreamed: true, isLarge };
    await send(localHeader(begun));
    const source = createMeter(chunks);
    const start = offset;
    const packed = isDeflated ? deflated(source.chunks) : source.chunks;
    for await (const chunk of packed) await send(chunk);
    const { checksum, bytes, failure } = source.result();
    const entry = { ...begun, checksum, bytes, storedBytes: offset - start };
    await send(dataDescriptor(entry));
    await enter(entry);
    return { bytes, failure };
  };

  return {
    addBytes: async (file, data) => {
      const size = data.length;
      const entry = { ...entryOf(file, offset), checksum: crc32(data), bytes: size, storedBytes: size };
      await send(localHeader(entry));
      await send(data);
      await enter(entry);
    },
    addStream: (file, chunks) => stream(file, chunks, false),
    addText: async (file, chunks) => {
      const { failure } = await stream(file, chunks, true);
      if (failure) throw failure;
    },
    finish: async () => {
      const found = { entries, offset, bytes: directory.bytes() };
      for await (const chunk of directory.read()) await send(chunk);
      await send(endOfArchive(found));
    },
  };
}

function entryOf({ name, modifiedAt }: ZipFile, offset: number): ZipEntry {
  return {
    name: Buffer.from(name),
    modifiedAt,
    offset,
    isDeflated: false,
    isStreamed: false,
    isLarge: false,
    checksum: 0,
    storedBytes: 0,
    bytes: 0,
  };
}

/** Passes bytes on and measures them. A failure of their source ends them, and is part of the result. */
function createMeter(source: AsyncIterable<Buffer>) {
  let checksum = 0;
  let bytes = 0;
  let failure: Error | undefined;
  async function* pass(): AsyncGenerator<Buffer, void> {
    try {
      for await (const chunk of source) {
        checksum = crc32(chunk, checksum);
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error('a file cannot be read', { cause: error });
    }
  }
  return { chunks: pass(), result: () => ({ checksum, bytes, failure }) };
}

function deflated(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // If one of both ends, the other is closed as well; the reader of the result receives the error.
  return pipeline(Readable.from(chunks, { objectMode: false }), createDeflateRaw(), () => undefined);
}
