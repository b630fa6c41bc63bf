/**
 * Blobs that no media uses any more, or none yet. First the row says so (`orphaned_at`), in the transaction that took the last
 * user away and together with a job; then the files go, and the row last. Files that are about to be stored have such a row
 * before, which becomes a usual one with their first user. So whatever dies in between, somebody still knows of the files.
 *
 * A media becomes ready with files that were found or stored some time before. Whether they are still there, the row's `revision`
 * tells: before files are removed it becomes a new negative number, committed, and a process that stores them anew makes it a new
 * positive one. Processes that store the same bytes at the same time share a revision. A blob gets a user only by the revision under
 * which its files were seen (see media-table.ts). A transaction that takes a user away locks the row before it looks whether others are
 * left. The lock decides who comes first, and needs SQL.
 */
import type { BlobFacts } from '../../../domain/media.js';
import { transaction, type Pool, type Transaction } from '../../postgres/database.js';
import { addDiscardJobs } from '../../queue/tasks.js';

export type StoredBlob = Pick<BlobFacts, 'sha256' | 'previews'>;

export interface Orphans {
  /** Has the files of those that are orphans removed by `removeFiles`, then forgets them. Others stay as they are. */
  readonly discard: (
    sha256s: readonly string[],
    removeFiles: (blobs: readonly StoredBlob[]) => Promise<void>,
  ) => Promise<void>;
  /** Some blobs that have been orphans for this long (milliseconds): the process that worked on them has ended. */
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

export function createOrphans(pool: Pool): Orphans {
  return {
    discard: async (sha256s, removeFiles) => {
      const unused = await transaction(pool, (connection) => doom(connection, sha256s));
      if (unused.length === 0) return;
      await transaction(pool, async (connection) => {
        // Under this lock, since the files of one that is announced anew must not be removed with the old ones.
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
        take: leftAtOnce,
      });
      return rows.map(({ sha256 }) => sha256);
    },
  };
}

interface DoomedBlob {
  readonly sha256: string;
  readonly revision: string;
}

/** Those of the orphans that have no user, each with a new negative revision: nobody can use them any more, unless they are stored anew. */
async function doom(connection: Transaction, sha256s: readonly string[]): Promise<DoomedBlob[]> {
  // By the primary key: the index of orphans is full of entries that are dead, while many are removed.
  const { rows: orphans } = await connection.query<{ sha256: string }>(
    `with named as materialized (
       select sha256, orphaned_at from blob where sha256 = any($1) order by sha256 for update
     )
     select sha256 from named where orphaned_at is not null`,
    [sha256s],
  );
  // Looked at by a statement of its own, which sees whatever was committed before the locks were ours.
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

/** Those of the blobs that have no user left become orphans, with the job that removes them; answers which. */
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
       group by place / ${String(discardAtOnce)}`,
    ),
    [rows.map(({ sha256 }) => sha256)],
  );
  return rows;
}
