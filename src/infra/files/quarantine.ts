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
   * that were kept for long enough.
   */
  readonly sweep: (retention?: QuarantineRetention) => Promise<void>;
}

export interface QuarantineRetention {
  /** Files of this channel that were moved to the quarantine before this moment are deleted. */
  readonly before: (channel: string) => Date;
  /** Returns those of the media whose files stay, however old they are. */
  readonly findKept: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns the channels of those media that are infected, or are about to receive their result, by their ids. */
type FindInfected = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

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
    sweep: async (retention) => {
      const names = (await readdir(folder).catch(() => [])).filter((name) => uuid.test(name));
      if (names.length === 0) return;
      const infected = await findInfected(names);
      const kept = await retention?.findKept(names);
      const isDue = async (name: string): Promise<boolean> => {
        const channel = infected.get(name);
        if (channel === undefined) return true;
        return (
          retention !== undefined && !kept?.has(name) && (await isOlder(name, retention.before(channel)))
        );
      };
      for (const name of names) if (await isDue(name)) await rm(join(folder, name), { force: true });
    },
  };
}
