/** Stored bytes as files in a folder, durable against crashes. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { AppError } from '../domain/errors.js';
import { keyRoots, type BlobStore, type StoredBytes } from './blob-store.js';
import { syncFolder } from './sync-folder.js';

export function createLocalBlobStore(folder: string): BlobStore {
  const sync = createFolderSync();
  const pathOf = (key: string): string => join(folder, key);
  const made = new Set<string>();
  const makeFolder = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    const first = await mkdir(path, { recursive: true });
    // A new folder's name is durable once the folder that holds it is synced.
    if (first !== undefined) {
      for (let parent = dirname(path); parent.length >= dirname(first).length; parent = dirname(parent))
        await sync(parent);
    }
    made.add(path);
  };
  const moveTo = async (path: string, bytes: StoredBytes): Promise<void> => {
    await makeFolder(dirname(path));
    await rename('file' in bytes ? bytes.file : await writeTemporary(join(folder, 'tmp'), bytes.data), path);
    await sync(dirname(path));
  };

  return {
    put: async (key, bytes) => {
      try {
        await makeFolder(join(folder, 'tmp'));
        await moveTo(pathOf(key), bytes);
      } catch (cause) {
        made.clear(); // Somebody may have removed a folder.
        throw new AppError('media.storage_failed', 'the file could not be stored', { cause });
      }
    },
    has: async (key) => (await sizeOf(pathOf(key))) !== undefined,
    read: (key, range) => createReadStream(pathOf(key), range),
    size: (key) => sizeOf(pathOf(key)),
    remove: async (key) => {
      const path = pathOf(key);
      await rm(path, { force: true });
      // A folder that is not there holds nothing either.
      await sync(dirname(path)).catch((error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      });
    },
    keys: async function* () {
      for (const root of keyRoots) yield* await keysIn(folder, root);
    },
    // Files are staged on the same disk, and it is tried out there.
    tryOut: () => Promise.resolve(),
    close: () => undefined,
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function keysIn(folder: string, root: string): Promise<string[]> {
  const options = { recursive: true, withFileTypes: true } as const;
  const entries = await readdir(join(folder, root), options).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
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
