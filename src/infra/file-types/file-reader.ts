/** Pieces of a file, read where a format says that something stands. */
import { open } from 'node:fs/promises';

export interface FileReader {
  /** Of the whole file. */
  readonly bytes: number;
  /** What there is of so many bytes from a position: fewer at the end, none beyond it. */
  readonly read: (position: number, length: number) => Promise<Buffer>;
}

/** A file that is open as long as `use` takes. */
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

/** The beginning of a file that is not here: what stands behind it cannot be read. */
export function readerOf(head: Buffer): FileReader {
  return {
    bytes: head.length,
    read: (position, length) => Promise.resolve(head.subarray(position, position + length)),
  };
}
