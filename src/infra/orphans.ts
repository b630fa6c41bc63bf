/**
 * Blobs that no media uses any more, or none yet. First the row says so (`orphaned_at`), in the transaction that took the last
 * user away and together with a job; then the files go, and the row last. Files that are about to be stored have such a row
 * before, which becomes a usual one with their first user. So whatever dies in between, somebody still knows of the files.
 *
 * Whoever gives a blob a user locks its row in the same statement (see media-table.ts), and whoever takes one away locks it
 * before looking whether others are left. The lock decides who comes first.
 */
import type pg from 'pg';

import type { BlobFacts } from '../domain/media.js';
import { transaction } from './database.js';
import { discardTask, maxJobAttempts } from './tasks.js';

export type StoredBlob = Pick<BlobFacts, 'sha256' | 'previews'>;

export interface Orphans {
  /** Has the files of those that are orphans removed by `removeFiles`, then forgets them. Others stay as they are. */
  readonly discard: (
    sha256s: readonly string[],
    removeFiles: (blobs: readonly StoredBlob[]) => Promise<void>,
  ) => Promise<void>;
  /** Some of those that have been orphans for so long (milliseconds): whoever was at work on them has died. */
  readonly left: (forMs: number) => Promise<string[]>;
}

export interface ReleasedBlob {
  readonly sha256: string;
  readonly bytes: number;
}

/** Blobs of one job, and of one transaction that removes them. */
export const discardAtOnce = 100;
/** More wait for the next time. */
const leftAtOnce = 1_000;

export function createOrphans(pool: pg.Pool): Orphans {
  return {
    discard: (sha256s, removeFiles) =>
      transaction(pool, async (connection) => {
        const { rows: orphans } = await connection.query<StoredBlob>(
          `select sha256, previews from blob where sha256 = any($1) and orphaned_at is not null
           order by sha256 for update`,
          [sha256s],
        );
        // Looked at by a statement of its own, which sees whatever was committed before the locks were ours.
        const { rows: used } = await connection.query<{ sha256: string }>(
          `update blob set orphaned_at = null
           where sha256 = any($1) and exists (select from media where media.sha256 = blob.sha256)
           returning sha256`,
          [orphans.map(({ sha256 }) => sha256)],
        );
        const inUse = new Set(used.map(({ sha256 }) => sha256));
        const unused = orphans.filter(({ sha256 }) => !inUse.has(sha256));
        await removeFiles(unused);
        await connection.query('delete from blob where sha256 = any($1)', [
          unused.map(({ sha256 }) => sha256),
        ]);
      }),
    left: async (forMs) => {
      const { rows } = await pool.query<{ sha256: string }>(
        `select sha256 from blob where orphaned_at < now() - $1 * interval '1 ms' limit $2`,
        [forMs, leftAtOnce],
      );
      return rows.map(({ sha256 }) => sha256);
    },
  };
}

/** Those of the blobs that have no user left become orphans, with the job that removes them; answers which. */
export async function releaseBlobs(
  connection: pg.PoolClient,
  sha256s: readonly string[],
  now: Date,
): Promise<ReleasedBlob[]> {
  await connection.query('select from blob where sha256 = any($1) order by sha256 for update', [sha256s]);
  const { rows } = await connection.query<ReleasedBlob>(
    `update blob set orphaned_at = $2
     where sha256 = any($1) and not exists (select from media where media.sha256 = blob.sha256)
     returning sha256, bytes::float8 as bytes`,
    [sha256s, now],
  );
  await connection.query(
    `select count(*) from graphile_worker.add_jobs(array(
       select row('${discardTask}', json_build_object('sha256', json_agg(sha256)), null, null, ${String(maxJobAttempts)}, null, null, null)
                ::graphile_worker.job_spec
       from unnest($1::text[]) with ordinality as orphan (sha256, place)
       group by place / ${String(discardAtOnce)}))`,
    [rows.map(({ sha256 }) => sha256)],
  );
  return rows;
}
