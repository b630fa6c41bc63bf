/** Stored bytes as files in a folder, durable against crashes. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

import { AppError } from '../../domain/errors.js';
import { failureName } from '../logging/failure-name.js';
import { isTrialKey, keyRoots, trialKey, type BlobStore, type StoredBytes } from './blob-store.js';
import { folderTrouble } from './store-trouble.js';
import { makeSyncedFolder, syncFolder } from './sync-folder.js';

/** Anybody may ask for readiness as often as they like, and each proof is an fsync. */
const provenForMs = 5_000;

export function createLocalBlobStore(place: string): BlobStore {
  const folder = resolve(place);
  const sync = createFolderSync();
  const pathOf = (key: string): string => join(folder, key);
  const made = new Map<string, Promise<void>>();
  /**
   * Resolves when the names of this folder and of those above it are durable. That is waited for by everybody who puts
   * something there, whoever has made the folder: it may have been another process, which was killed before it had synced.
   */
  const makeFolder = (path: string): Promise<void> => {
    const known = made.get(path);
    if (known) return known;
    const making = path === folder ? makeSyncedFolder(path) : makeWithin(path);
    made.set(path, making);
    return making;
  };
  const makeWithin = async (path: string): Promise<void> => {
    await makeFolder(dirname(path));
    await mkdir(path, { recursive: true });
    await sync(dirname(path));
  };
  const moveTo = async (path: string, bytes: StoredBytes): Promise<void> => {
    await makeFolder(dirname(path));
    await rename('file' in bytes ? bytes.file : await writeTemporary(join(folder, 'tmp'), bytes.data), path);
    await sync(dirname(path));
  };
  let trying: Promise<void> | undefined;
  let provenAt = -Infinity;
  /** As files are kept: written beside, and moved to their place. */
  const tryOut = async (): Promise<void> => {
    if (performance.now() - provenAt < provenForMs) return;
    const path = pathOf(trialKey(randomUUID()));
    try {
      await mkdir(join(folder, 'tmp'), { recursive: true });
      await mkdir(dirname(path), { recursive: true });
      await rename(await writeTemporary(join(folder, 'tmp'), Buffer.from('x')), path);
      await readFile(path);
      provenAt = performance.now();
    } catch (error) {
      throw folderTrouble(error, folder);
    } finally {
      await rm(path, { force: true }).catch(() => undefined); // What it failed for is the news.
    }
  };

  /** A folder that is not there holds nothing either. */
  const syncIfThere = (path: string): Promise<void> =>
    sync(path).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });

  return {
    put: async (key, bytes) => {
      try {
        await makeFolder(join(folder, 'tmp'));
        await moveTo(pathOf(key), bytes);
      } catch (cause) {
        made.clear(); // Somebody may have removed a folder.
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
      // Syncing a folder takes as long as all the rest, and holds for everything that was removed from it.
      await Promise.all([...new Set(paths.map((path) => dirname(path)))].map(syncIfThere));
    },
    keys: async function* () {
      for (const root of keyRoots) yield* await keysIn(folder, root);
    },
    // A disk that hangs would otherwise hold a thread for each call.
    tryOut: () =>
      (trying ??= tryOut().finally(() => {
        trying = undefined;
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

/** Whether it is known that nothing is there. A folder that may not be looked into says nothing of that. */
function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unreadable(cause: unknown): AppError {
  return new AppError('service.unavailable', `the folder of files cannot be read: ${failureName(cause)}`, {
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

/** Syncs that are asked for while one of the same folder runs share the next one. */
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
