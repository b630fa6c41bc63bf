/** Temporary files that downloads and uploads stream into: counted and hashed on the way, never held in memory. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { folderTrouble } from './store-trouble.js';

export interface StagedFile {
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** The first bytes, enough to tell the type. */
  readonly head: Buffer;
  /** Removes the file; nothing happens when it has been moved away. */
  readonly discard: () => Promise<void>;
}

export interface Staging {
  /** Writes a stream to a temporary file. The file is gone when this rejects. */
  readonly receive: (chunks: AsyncIterable<Buffer>) => Promise<StagedFile>;
  /** Rejects with a `StoreTrouble` when a file cannot be written now. Calls that come while one is under way share its answer. */
  readonly tryOut: () => Promise<void>;
  /** Removes what killed processes left behind: files not written to for `olderThanMs`. */
  readonly sweep: (olderThanMs: number) => Promise<number>;
}

/** Of a staged file's head, at most. */
export const headBytes = 65_536;
/** Chunks are gathered up to this size, since each write is a trip to another thread. */
const writeBytes = 524_288;

export function createStaging(folder: string): Staging {
  let trying: Promise<void> | undefined;
  return {
    receive: async (chunks) => {
      const path = join(folder, randomUUID());
      const discard = (): Promise<void> => rm(path, { force: true });
      try {
        return { path, discard, ...(await writeAll(path, chunks)) };
      } catch (error) {
        await discard().catch(() => undefined); // What it failed for is the news; the sweep gets the rest.
        throw error;
      }
    },
    // A disk that hangs would otherwise hold a thread for each call.
    tryOut: () =>
      (trying ??= writeOneByte(join(folder, randomUUID()))
        .catch((error: unknown) => {
          throw folderTrouble(error, dirname(folder));
        })
        .finally(() => {
          trying = undefined;
        })),
    sweep: async (olderThanMs) => {
      // That a folder cannot be used is found out by trying it out, and no reason to sweep nothing else.
      const names = await readdir(folder).catch(() => []);
      const swept = await Promise.all(names.map((name) => removeIfOld(join(folder, name), olderThanMs)));
      return swept.filter(Boolean).length;
    },
  };
}

async function writeOneByte(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, 'x', { flag: 'wx', mode: 0o640 });
  } finally {
    await rm(path, { force: true });
  }
}

async function writeAll(
  path: string,
  chunks: AsyncIterable<Buffer>,
): Promise<Pick<StagedFile, 'bytes' | 'sha256' | 'head'>> {
  const file = await storage(create(path));
  try {
    const hash = createHash('sha256');
    // A sender chooses how small its chunks are, so the beginning is joined once, at the end.
    const beginning: Buffer[] = [];
    let bytes = 0;
    let gathered: Buffer[] = [];
    let gatheredBytes = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      if (bytes < headBytes) beginning.push(chunk.subarray(0, headBytes - bytes));
      bytes += chunk.length;
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes < writeBytes) continue;
      await append(file, gathered);
      gathered = [];
      gatheredBytes = 0;
    }
    if (gathered.length > 0) await append(file, gathered);
    await storage(file.sync());
    return { bytes, sha256: hash.digest('hex'), head: Buffer.concat(beginning) };
  } finally {
    await file.close();
  }
}

/** The folder is made when it turns out to be missing: asking every time costs more than once being wrong. */
async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o640);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, 'wx', 0o640);
  }
}

async function append(file: FileHandle, chunks: Buffer[]): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await storage(file.writev(chunks));
  // A short write, as on a disk that is just filling up: the rest either goes through or says why not.
  if (bytesWritten < total) await storage(file.writeFile(Buffer.concat(chunks).subarray(bytesWritten)));
}

/** Failures of our disk are told apart from failures of the sender's. */
async function storage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new AppError('media.storage_failed', `the file could not be written: ${failureName(cause)}`, {
      cause,
    });
  }
}

async function removeIfOld(path: string, olderThanMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found || Date.now() - found.mtimeMs < olderThanMs) return false;
  await rm(path, { force: true });
  return true;
}
