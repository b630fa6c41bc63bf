/** Stores bytes as files in a folder, durable against crashes. */
import { randomUUID } from 'node:crypto';
import fs, { createReadStream, existsSync, statfsSync, statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

import { shareRun } from '../../domain/concurrent-calls.js';
import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { countStreamed } from '../process/stream-garbage.js';
import { isTrialKey, keyRoots, trialKey, type BlobStore, type StoredBytes } from './blob-store.js';
import { createSyncedFolders } from './local-folders.js';
import { ignoreMissing } from './missing-file.js';
import { folderProblem } from './storage-problem.js';

/** Anyone may query readiness as often as they like, and each probe costs an fsync. */
const validForMs = 5_000;

/**
 * The size of one read. Each read waits for a thread that decoders use as well, so a photo of 400 KB should
 * take few of them; but a slow reader holds twice this much memory.
 */
const readBytes = 128 * 1024;

/** Counts the buffers that streams read into. */
const countedReads = {
  open: fs.open,
  close: fs.close,
  // eslint-disable-next-line max-params -- Node.js chooses them.
  read: ((fd, buffer, offset, length, position, done) => {
    countStreamed(buffer.byteLength);
    fs.read(fd, buffer, offset, length, position, done);
  }) as typeof fs.read,
};

export function createLocalBlobStore(root: string): BlobStore {
  const folder = resolve(root);
  const folders = createSyncedFolders(folder);
  const pathOf = (key: string): string => join(folder, key);
  const moveTo = async (path: string, bytes: StoredBytes): Promise<void> => {
    await folders.make(dirname(path));
    await rename('file' in bytes ? bytes.file : await writeTemporary(join(folder, 'tmp'), bytes.data), path);
    await folders.sync(dirname(path));
  };
  return {
    put: async (key, bytes) => {
      try {
        await folders.make(join(folder, 'tmp'));
        await moveTo(pathOf(key), bytes);
      } catch (cause) {
        folders.forget();
        throw new AppError('media.storage_failed', `the file could not be stored: ${failureName(cause)}`, {
          cause,
        });
      }
    },
    read: (key, range) =>
      createReadStream(pathOf(key), { ...range, highWaterMark: readBytes, fs: countedReads }),
    size: (key) => sizeOf(pathOf(key)),
    ...(isLocalFileSystem(folder) && { sizeAtOnce: (key) => sizeAtOnce(pathOf(key)) }),
    remove: async (keys) => {
      const paths = keys.map(pathOf);
      await Promise.all(paths.map((path) => rm(path, { force: true })));
      // Syncing a folder takes as long as everything else, and covers all files that were removed from it. A
      // missing folder has no content to sync.
      const touched = new Set(paths.map((path) => dirname(path)));
      await Promise.all([...touched].map((path) => folders.sync(path).catch(ignoreMissing)));
    },
    keys: async function* () {
      for (const keyRoot of keyRoots) yield* await keysIn(folder, keyRoot);
    },
    probe: createProbe(folder),
    close: () => undefined,
  };
}

/** Stores a file in the usual way: it is written to a temporary name and then moved. */
function createProbe(folder: string): () => Promise<void> {
  let probedAt = -Infinity;
  const probe = async (): Promise<void> => {
    if (performance.now() - probedAt < validForMs) return;
    const path = join(folder, trialKey(randomUUID()));
    try {
      await mkdir(join(folder, 'tmp'), { recursive: true });
      await mkdir(dirname(path), { recursive: true });
      await rename(await writeTemporary(join(folder, 'tmp'), Buffer.from('x')), path);
      await readFile(path);
      probedAt = performance.now();
    } catch (error) {
      throw folderProblem(error, folder);
    } finally {
      await rm(path, { force: true }).catch(() => undefined); // The first error is the one to report.
    }
  };
  // If the disk hangs, each call would otherwise occupy a thread.
  return shareRun(probe);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unreadable(error);
  }
}

function sizeAtOnce(path: string): number | undefined {
  try {
    return statSync(path).size;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unreadable(error);
  }
}

/**
 * The types of file systems that do not depend on another machine (statfs(2)): ext4, XFS, Btrfs, ZFS, F2FS,
 * tmpfs, overlayfs.
 */
const localFileSystems = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0x01021994, 0x794c7630,
]);

/** A folder that does not exist yet will be on the file system of its parent. */
function isLocalFileSystem(folder: string): boolean {
  if (process.platform !== 'linux') return false;
  if (existsSync(folder)) return localFileSystems.has(statfsSync(folder).type);
  return dirname(folder) !== folder && isLocalFileSystem(dirname(folder));
}

async function keysIn(folder: string, root: string): Promise<string[]> {
  const options = { recursive: true, withFileTypes: true } as const;
  const entries = await readdir(join(folder, root), options).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw unreadable(error);
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((key) => !isTrialKey(key));
}

/** Whether the path certainly does not exist. A folder without read permission proves nothing. */
function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unreadable(cause: unknown): AppError {
  return new AppError('service.unavailable', `UPLOADS_DIR cannot be read: ${failureName(cause)}`, {
    cause,
  });
}

async function writeTemporary(folder: string, data: Buffer): Promise<string> {
  const path = join(folder, randomUUID());
  const file = await open(path, 'wx', 0o640);
  try {
    await file.writeFile(data);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return path;
}
