/**
 * Infected files that came in a webhook, for whoever looks into it: named after their media, readable by the service's user
 * only, and served by nothing.
 */
import { chmod, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type pg from 'pg';

import { makeSyncedFolder, syncFolder } from './sync-folder.js';

export interface Quarantine {
  /** Moves the file there. */
  readonly put: (mediaId: string, file: string) => Promise<void>;
  /** Removes files of media that are not infected (any more): erased, or fetched again and found clean; and files older than that. */
  readonly sweep: (before?: Date) => Promise<void>;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createQuarantine(folder: string, pool: pg.Pool): Quarantine {
  /** One that is pending is about to be told what it is. */
  const stillInfected = async (ids: readonly string[]): Promise<Set<string>> => {
    const { rows } = await pool.query<{ id: string }>(
      `select id from media where id = any($1)
         and (state = 'pending' or (state = 'rejected' and error_code = 'media.infected'))`,
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  };
  const isOlder = async (name: string, before: Date): Promise<boolean> =>
    // When it was moved here; it may have been written long before.
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
      const infected = await stillInfected(names);
      for (const name of names)
        if (!infected.has(name) || (await isOlder(name, before)))
          await rm(join(folder, name), { force: true });
    },
  };
}
