/** Reads parts of a file at the positions that a format specifies. */
import { open } from 'node:fs/promises';

export interface FileReader {
  /** The size of the whole file. */
  readonly bytes: number;
  /** Reads bytes from a position: fewer at the end, none beyond it. */
  readonly read: (position: number, length: number) => Promise<Buffer>;
}

/** Keeps a file open while `use` runs. */
export async function withFile<T>(path: string, use: (file: FileReader) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return await use({
      bytes: size,
      read: async (position, length) => {
        if (position >= size || length <= 0) return Buffer.alloc(0);
        const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position });
        return buffer.subarray(0, bytesRead);
      },
    });
  } finally {
    await handle.close();
  }
}

/** A reader for the beginning of a file; the rest cannot be read. */
export function readerOf(head: Buffer): FileReader {
  return {
    bytes: head.length,
    read: (position, length) => Promise.resolve(head.subarray(position, position + length)),
  };
}
