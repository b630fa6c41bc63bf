/**
 * Blobs that no media item uses any more, or none yet. The transaction that removes the last user marks the
 * row (`orphaned_at`) and adds a job; the job deletes the files, and the row last. Files that are about to be
 * stored have such a row as well, which becomes an ordinary one with their first user. The files are thus
 * always known to the database, whatever process dies.
 *
 * A media item becomes ready with files that were found or stored some time before. The row's `revision` says
 * whether they still exist: before files are deleted it is committed as a new negative number, and a process
 * that stores them again makes it a new positive one. Processes that store the same bytes at the same time
 * share a revision. A blob gets a user only with the revision under which its files were seen (see media.ts).
 * A transaction that removes a user locks the row before it checks whether other users exist. The order is
 * decided by the lock, which needs SQL.
 */
import type { BlobFacts } from '../../../domain/media.js';
import { transaction, type Pool, type Transaction } from '../../postgres/database.js';
import { addDiscardJobs } from '../../queue/tasks.js';

export type StoredBlob = Pick<BlobFacts, 'sha256' | 'previews'>;

export interface Orphans {
  /** Deletes the files of orphans with `removeFiles`, and then their rows. Other blobs stay as they are. */
  readonly discard: (
    sha256s: readonly string[],
    removeFiles: (blobs: readonly StoredBlob[]) => Promise<void>,
  ) => Promise<void>;
  /**
   * Some blobs that have been orphans for this time (milliseconds), because the process that handled them
   * died.
   */
  readonly left: (forMs: number) => Promise<string[]>;
}

export interface ReleasedBlob {
  readonly sha256: string;
  readonly bytes: number;
}

/** The number of blobs of one job, and of one transaction that deletes them. */
export const discardBatchSize = 100;
/** The others are found by the next call. */
const maxLeft = 1_000;

export function createOrphans(pool: Pool): Orphans {
  return {
    discard: async (sha256s, removeFiles) => {
      const unused = await transaction(pool, (connection) => doom(connection, sha256s));
      if (unused.length === 0) return;
      await transaction(pool, async (connection) => {
        // Files are deleted under this lock, because those of a blob that is announced again must not be
        // deleted with the old ones.
        const { rows: doomed } = await connection.query<StoredBlob>(
          `with named as materialized (
             select sha256, previews, revision, orphaned_at from blob where sha256 = any($1) order by sha256 for update
           )
           select named.sha256, named.previews
           from named join unnest($1::text[], $2::bigint[]) as seen (sha256, revision)
             on seen.sha256 = named.sha256 and seen.revision = named.revision
           where named.orphaned_at is not null`,
          [unused.map(({ sha256 }) => sha256), unused.map(({ revision }) => revision)],
        );
        await removeFiles(doomed);
        await connection.query('delete from blob where sha256 = any($1)', [
          doomed.map(({ sha256 }) => sha256),
        ]);
      });
    },
    left: async (forMs) => {
      const rows = await pool.prisma.blob.findMany({
        where: { orphanedAt: { lt: new Date(Date.now() - forMs) } },
        select: { sha256: true },
        take: maxLeft,
      });
      return rows.map(({ sha256 }) => sha256);
    },
  };
}

interface DoomedBlob {
  readonly sha256: string;
  readonly revision: string;
}

/**
 * Gives the orphans without a user a new negative revision, with which they cannot be used unless they are
 * stored again, and resolves to them.
 */
async function doom(connection: Transaction, sha256s: readonly string[]): Promise<DoomedBlob[]> {
  // Reads by the primary key, because the index of orphans is full of dead entries while many are deleted.
  const { rows: orphans } = await connection.query<{ sha256: string }>(
    `with named as materialized (
       select sha256, orphaned_at from blob where sha256 = any($1) order by sha256 for update
     )
     select sha256 from named where orphaned_at is not null`,
    [sha256s],
  );
  // A separate statement sees everything that was committed before it got the locks.
  const { rows: blobs } = await connection.query<DoomedBlob & { used: boolean }>(
    `with looked as materialized (
       select sha256, exists (select from media where media.sha256 = blob.sha256) as used from blob where sha256 = any($1)
     )
     update blob set orphaned_at = case when used then null else orphaned_at end,
                     revision = case when used then revision else -nextval('blob_revision') end
     from looked where blob.sha256 = looked.sha256
     returning blob.sha256, looked.used, blob.revision`,
    [orphans.map(({ sha256 }) => sha256)],
  );
  return blobs.filter(({ used }) => !used);
}

/** Marks the blobs without a user as orphans, adds the jobs that delete them, and resolves to them. */
export async function releaseBlobs(
  connection: Transaction,
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
    addDiscardJobs(
      `select json_agg(sha256) as sha256 from unnest($1::text[]) with ordinality as orphan (sha256, place)
       group by place / ${String(discardBatchSize)}`,
    ),
    [rows.map(({ sha256 }) => sha256)],
  );
  return rows;
}
