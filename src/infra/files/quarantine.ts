/**
 * Keeps infected files from webhooks for examination. They are named after their media item, readable by the
 * service's user only, and never served.
 */
import { chmod, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { makeSyncedFolder, syncFolder } from './sync-folder.js';

export interface Quarantine {
  /** Moves the file to the quarantine. */
  readonly put: (mediaId: string, file: string) => Promise<void>;
  /**
   * Deletes files whose media item is no longer infected because it was erased or downloaded again, and files
   * older than the given time.
   */
  readonly sweep: (before?: Date) => Promise<void>;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns the ids whose media are infected, or are about to receive their result. */
type FindInfected = (ids: readonly string[]) => Promise<ReadonlySet<string>>;

export function createQuarantine(folder: string, findInfected: FindInfected): Quarantine {
  const isOlder = async (name: string, before: Date): Promise<boolean> =>
    // The time of the move to the quarantine; the file may have been written long before.
    stat(join(folder, name)).then(
      ({ ctime }) => ctime < before,
      () => false,
    );

  return {
    put: async (mediaId, file) => {
      await makeSyncedFolder(folder, 0o700);
      await chmod(file, 0o600);
      await rename(file, join(folder, mediaId));
      await syncFolder(folder);
    },
    sweep: async (before = new Date(0)) => {
      const names = (await readdir(folder).catch(() => [])).filter((name) => uuid.test(name));
      if (names.length === 0) return;
      const infected = await findInfected(names);
      for (const name of names)
        if (!infected.has(name) || (await isOlder(name, before)))
          await rm(join(folder, name), { force: true });
    },
  };
}
