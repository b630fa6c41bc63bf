/** Bytes by name. Names are made by us from a SHA-256 and never from anything foreign. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';

import { AppError } from '../domain/errors.js';
import type { BlobFacts, PreviewSize } from '../domain/media.js';
import { syncFolder } from './sync-folder.js';

export type StoredBytes = { readonly file: string } | { readonly data: Buffer };

export interface BlobStore {
  /** Stores under a key; when it resolves, the bytes survive a crash. The same key always holds the same bytes. A `file` is moved. */
  readonly put: (key: string, bytes: StoredBytes) => Promise<void>;
  readonly has: (key: string) => Promise<boolean>;
  /** From `start` to `end`, both included. */
  readonly read: (key: string, range: { readonly start: number; readonly end: number }) => Readable;
  readonly size: (key: string) => Promise<number | undefined>;
  /** When it resolves, nothing is there under this key, also after a crash. It need not have been there. */
  readonly remove: (key: string) => Promise<void>;
}

/** Two levels of folders keep each of them small. */
export function blobKey(sha256: string): string {
  return `blobs/${checked(sha256).slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
}

export function previewKey(sha256: string, size: PreviewSize): string {
  return `previews/${checked(sha256).slice(0, 2)}/${sha256}-${size}`;
}

/** Everything that is stored of a blob. The bytes come first: without them, the rest is stored anew as well. */
export function keysOf({ sha256, previews }: Pick<BlobFacts, 'sha256' | 'previews'>): readonly string[] {
  return [blobKey(sha256), ...previews.map(({ size }) => previewKey(sha256, size))];
}

function checked(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('not a SHA-256');
  return sha256;
}

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
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
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
