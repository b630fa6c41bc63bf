/**
 * Buffers that are used again. New ones for each picture would make the garbage collector mark the whole heap
 * every dozen pictures.
 */
import { open } from 'node:fs/promises';

export interface BufferPool {
  /** Runs a task with a buffer that nobody else uses until the task ends. Its content is arbitrary. */
  readonly lend: <T>(task: (buffer: Buffer) => Promise<T>) => Promise<T>;
}

/** More free ones than pictures in work at once would only take memory. */
const maxFree = 8;

export function createBufferPool(bytes: number): BufferPool {
  const free: Buffer[] = [];
  return {
    lend: async (task) => {
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(bytes);
      try {
        return await task(buffer);
      } finally {
        if (free.length < maxFree) free.push(buffer);
      }
    },
  };
}

/** Reads a file into the buffer; undefined if the file does not fit. */
export async function readInto(buffer: Buffer, path: string): Promise<Buffer | undefined> {
  const file = await open(path);
  try {
    if ((await file.stat()).size >= buffer.length) return undefined;
    for (let length = 0; length < buffer.length;) {
      const { bytesRead } = await file.read(buffer, length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
