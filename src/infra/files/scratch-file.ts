/**
 * A file for intermediate results that are too large for the memory. Its name is removed as soon as it is
 * open, so that nothing of it is left if the process dies.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export interface ScratchFile {
  readonly append: (bytes: Buffer) => Promise<void>;
  /** How many bytes were appended. */
  readonly bytes: () => number;
  /** Reads everything that was appended, from the beginning. */
  readonly read: () => AsyncIterable<Buffer>;
  readonly close: () => Promise<void>;
}

/** Small appends are collected, because each write involves another thread. */
const writeBytes = 256 * 1024;
const readBytes = 64 * 1024;

export async function openScratchFile(folder: string): Promise<ScratchFile> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, randomUUID());
  const file = await open(path, 'wx+', 0o600);
  await rm(path).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  return scratchIn(file);
}

function scratchIn(file: FileHandle): ScratchFile {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let written = 0;
  const flush = async (): Promise<void> => {
    const data = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await file.write(data, done, data.length - done, written);
      done += bytesWritten;
      written += bytesWritten;
    }
  };
  async function* read(): AsyncGenerator<Buffer, void> {
    await flush();
    for (let position = 0; position < written;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(readBytes), 0, readBytes, position);
      if (bytesRead === 0) throw new Error('a scratch file is shorter than it was');
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
  return {
    append: async (bytes) => {
      pending.push(bytes);
      pendingBytes += bytes.length;
      if (pendingBytes >= writeBytes) await flush();
    },
    bytes: () => written + pendingBytes,
    read,
    close: () => file.close(),
  };
}
