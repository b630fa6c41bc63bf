/**
 * Writes downloads and uploads to temporary files. Bytes are counted and hashed as they pass, and never held
 * in memory completely.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { shareRun } from '../../domain/concurrent-calls.js';
import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { countStreamed } from '../process/stream-garbage.js';
import { isMissing } from './missing-file.js';
import { openScratchFile, type ScratchFile } from './scratch-file.js';
import { folderProblem } from './storage-problem.js';

export interface StagedFile {
  readonly path: string;
  readonly bytes: number;
  /** The digest in hex. */
  readonly sha256: string;
  /** The first bytes, enough to detect the type. */
  readonly head: Buffer;
  /** Deletes the file; does nothing if it was moved away. */
  readonly discard: () => Promise<void>;
}

export interface Staging {
  /** Writes a stream to a temporary file. If it rejects, the file is deleted. */
  readonly receive: (chunks: AsyncIterable<Buffer>) => Promise<StagedFile>;
  /** Opens an empty file for intermediate results, which the caller closes. */
  readonly scratch: () => Promise<ScratchFile>;
  /**
   * Rejects with a `StorageProblem` if a file cannot be written now. Calls during a probe share its result.
   */
  readonly probe: () => Promise<void>;
  /** Deletes the files of processes that died: those unchanged for `olderThanMs`. */
  readonly sweep: (olderThanMs: number) => Promise<number>;
}

/** The maximum length of `head`. */
export const headBytes = 65_536;
/** Chunks are collected up to this size, because each write involves another thread. */
const writeBytes = 524_288;

export function createStaging(folder: string): Staging {
  const probe = (): Promise<void> =>
    writeOneByte(join(folder, randomUUID())).catch((error: unknown) => {
      throw folderProblem(error, dirname(folder));
    });
  return {
    receive: async (chunks) => {
      const path = join(folder, randomUUID());
      const discard = (): Promise<void> => rm(path, { force: true });
      try {
        return { path, discard, ...(await writeAll(path, chunks)) };
      } catch (error) {
        await discard().catch(() => undefined); // The first error is the one to report; the sweep deletes the rest.
        throw error;
      }
    },
    scratch: () => openScratchFile(folder),
    // If the disk hangs, each call would otherwise occupy a thread.
    probe: shareRun(probe),
    sweep: async (olderThanMs) => {
      // An unusable folder is detected by the probe and must not stop the sweep.
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
    // The sender chooses the size of its chunks, so the beginning is joined once, at the end.
    const beginning: Buffer[] = [];
    let bytes = 0;
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      countStreamed(chunk.length);
      if (bytes < headBytes) beginning.push(chunk.subarray(0, headBytes - bytes));
      bytes += chunk.length;
      pending.push(chunk);
      pendingBytes += chunk.length;
      if (pendingBytes < writeBytes) continue;
      await append(file, pending);
      pending = [];
      pendingBytes = 0;
    }
    if (pending.length > 0) await append(file, pending);
    await storage(file.sync());
    return { bytes, sha256: hash.digest('hex'), head: Buffer.concat(beginning) };
  } finally {
    await file.close();
  }
}

/**
 * The folder is created only if it is missing, because checking every time costs more than a rare failure.
 */
async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o640);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, 'wx', 0o640);
  }
}

async function append(file: FileHandle, chunks: Buffer[]): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await storage(file.writev(chunks));
  // A short write happens on a disk that is filling up: the rest either succeeds or fails with the reason.
  if (bytesWritten < total) await storage(file.writeFile(Buffer.concat(chunks).subarray(bytesWritten)));
}

/** Distinguishes failures of the local disk from failures of the sender. */
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
  const file = await stat(path).catch(() => undefined);
  if (!file || Date.now() - file.mtimeMs < olderThanMs) return false;
  await rm(path, { force: true });
  return true;
}
