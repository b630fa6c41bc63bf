/** The folders of the local store, whose names must survive a crash like the files in them. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { coalesced } from '../../domain/concurrent-calls.js';
import { makeSyncedFolder, syncFolder } from './sync-folder.js';

export interface SyncedFolders {
  /**
   * Resolves when the names of this folder and of its parents are durable. Every writer waits for that, even
   * if the folder exists already: another process may have created it and died before the sync.
   */
  readonly make: (path: string) => Promise<void>;
  /**
   * Resolves when the names in this folder are durable. Calls during a sync of the folder share the next one.
   */
  readonly sync: (path: string) => Promise<void>;
  /** Forgets which folders exist, because one may have been deleted. */
  readonly forget: () => void;
}

/** `root` contains all other folders. */
export function createSyncedFolders(root: string): SyncedFolders {
  const creations = new Map<string, Promise<void>>();
  const sync = createFolderSync();
  const makeInParent = async (path: string): Promise<void> => {
    await make(dirname(path));
    await mkdir(path, { recursive: true });
    await sync(dirname(path));
  };
  const make = (path: string): Promise<void> => {
    const known = creations.get(path);
    if (known) return known;
    const making = path === root ? makeSyncedFolder(path) : makeInParent(path);
    creations.set(path, making);
    return making;
  };
  return {
    make,
    sync,
    forget: () => {
      creations.clear();
    },
  };
}

function createFolderSync(): (folder: string) => Promise<void> {
  const syncs = new Map<string, { readonly run: () => Promise<void>; callers: number }>();
  return async (folder) => {
    const sync = syncs.get(folder) ?? { run: coalesced(() => syncFolder(folder)), callers: 0 };
    syncs.set(folder, sync);
    sync.callers += 1;
    try {
      await sync.run();
    } finally {
      sync.callers -= 1;
      if (sync.callers === 0) syncs.delete(folder);
    }
  };
}
