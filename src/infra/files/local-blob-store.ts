/** Stores bytes as files in a folder, durable against crashes. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { isTrialKey, keyRoots, trialKey, type BlobStore, type StoredBytes } from './blob-store.js';
import { folderProblem } from './storage-problem.js';
import { makeSyncedFolder, syncFolder } from './sync-folder.js';

/** Anyone may query readiness as often as they like, and each probe costs an fsync. */
const validForMs = 5_000;

export function createLocalBlobStore(root: string): BlobStore {
  const folder = resolve(root);
  const sync = createFolderSync();
  const pathOf = (key: string): string => join(folder, key);
  const createdFolders = new Map<string, Promise<void>>();
  /**
   * Resolves when the names of this folder and of its parents are durable. Every writer waits for that, even
   * if the folder exists already: another process may have created it and died before the sync.
   */
  const makeFolder = (path: string): Promise<void> => {
    const known = createdFolders.get(path);
    if (known) return known;
    const making = path === folder ? makeSyncedFolder(path) : makeInParent(path);
    createdFolders.set(path, making);
    return making;
  };
  const makeInParent = async (path: string): Promise<void> => {
    await makeFolder(dirname(path));
    await mkdir(path, { recursive: true });
    await sync(dirname(path));
  };
  const moveTo = async (path: string, bytes: StoredBytes): Promise<void> => {
    await makeFolder(dirname(path));
    await rename('file' in bytes ? bytes.file : await writeTemporary(join(folder, 'tmp'), bytes.data), path);
    await sync(dirname(path));
  };
  let probing: Promise<void> | undefined;
  let probedAt = -Infinity;
  /** Stores a file in the usual way: it is written to a temporary name and then moved. */
  const probe = async (): Promise<void> => {
    if (performance.now() - probedAt < validForMs) return;
    const path = pathOf(trialKey(randomUUID()));
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

  /** A missing folder has no content to sync. */
  const syncIfExists = (path: string): Promise<void> =>
    sync(path).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });

  return {
    put: async (key, bytes) => {
      try {
        await makeFolder(join(folder, 'tmp'));
        await moveTo(pathOf(key), bytes);
      } catch (cause) {
        createdFolders.clear(); // A folder may have been deleted.
        throw new AppError('media.storage_failed', `the file could not be stored: ${failureName(cause)}`, {
          cause,
        });
      }
    },
    read: (key, range) => createReadStream(pathOf(key), range),
    size: (key) => sizeOf(pathOf(key)),
    remove: async (keys) => {
      const paths = keys.map(pathOf);
      await Promise.all(paths.map((path) => rm(path, { force: true })));
      // Syncing a folder takes as long as everything else, and covers all files that were removed from it.
      await Promise.all([...new Set(paths.map((path) => dirname(path)))].map(syncIfExists));
    },
    keys: async function* () {
      for (const root of keyRoots) yield* await keysIn(folder, root);
    },
    // If the disk hangs, each call would otherwise occupy a thread.
    probe: () =>
      (probing ??= probe().finally(() => {
        probing = undefined;
      })),
    close: () => undefined,
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(error);
  }
}

async function keysIn(folder: string, root: string): Promise<string[]> {
  const options = { recursive: true, withFileTypes: true } as const;
  const entries = await readdir(join(folder, root), options).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw unreadable(error);
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((key) => !isTrialKey(key));
}

/** Whether the path certainly does not exist. A folder without read permission proves nothing. */
function isMissing(error: unknown): boolean {
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

/** Requests during a sync of the same folder share the next one. */
function createFolderSync(): (folder: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<void>>();
  const begin = (folder: string): Promise<void> => {
    const work = syncFolder(folder).finally(() => running.delete(folder));
    running.set(folder, work);
    return work;
  };
  return (folder) => {
    const current = running.get(folder);
    if (!current) return begin(folder);
    let following = next.get(folder);
    if (!following) {
      following = current
        .catch(() => undefined)
        .then(() => {
          next.delete(folder);
          return begin(folder);
        });
      next.set(folder, following);
    }
    return following;
  };
}
