/**
 * Stored bytes that media use or are about to use. The statements are prepared, which saves their planning
 * for every picture: SQL.
 */
import type pg from 'pg';

import type { BlobFacts, HeldBlob } from '../../../domain/media.js';
import type { MediaKind } from '../../../domain/provider.js';
import type { Pool } from '../../postgres/database.js';
import { columnsOf } from '../../postgres/pages.js';
import { addPreviewJobs } from '../../queue/tasks.js';

export interface Upload {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly kind: MediaKind;
  readonly filename: string | null;
}

const blobColumns = columnsOf<HeldBlob>({
  sha256: 'sha256',
  type: 'type',
  bytes: 'bytes::float8',
  width: 'width',
  height: 'height',
  thumbhash: 'thumbhash',
  previews: 'previews',
  warnings: 'warnings',
  metadata: 'metadata',
  perceptualHash: "lpad(to_hex(perceptual_hash), 16, '0')",
  revision: 'revision',
});

/**
 * The blob $1 gets a user (`b`) if its row still has the revision $2: see blobs.ts for when it has not. The
 * row is locked, so that it cannot be discarded between now and the commit.
 */
export const useBlob = `
  update blob set orphaned_at = null where sha256 = $1 and revision = $2`;

/**
 * A column of a blob that is announced again. Existing previews are kept: their files are found by this row
 * only.
 */
const newerOf = (column: string): string =>
  `case when known.revision >= 0 and excluded.previews = '[]' and known.previews <> '[]' then known.${column} else excluded.${column} end`;

/**
 * Adds a ready media item that belongs to no message yet, on the connection of the caller. False: the files
 * may be gone.
 */
export async function insertUpload(
  connection: Pick<pg.ClientBase, 'query'>,
  upload: Upload & { readonly blob: HeldBlob; readonly now: Date },
): Promise<boolean> {
  const { id, channel, provider, kind, filename, blob, now } = upload;
  const { rowCount } = await connection.query(
    `with b as (${useBlob} returning sha256)
     insert into media (id, channel, provider, position, direction, kind, state, filename, received_at, ready_at, sha256)
     select $3, $4, $5, 0, 'outbound', $6, 'ready', $7, $8, greatest(now(), $8), sha256 from b`,
    [blob.sha256, blob.revision, id, channel, provider, kind, filename, now],
  );
  return rowCount === 1;
}

export async function findBlob(pool: Pool, sha256: string): Promise<HeldBlob | undefined> {
  const { rows } = await pool.query<HeldBlob>({
    name: 'blob-find',
    // One without users may be on its way out: its files cannot be counted on.
    text: `select ${blobColumns} from blob where sha256 = $1 and orphaned_at is null`,
    values: [sha256],
  });
  return rows[0];
}

export async function announce(pool: Pool, blob: BlobFacts, now: Date): Promise<HeldBlob> {
  const { sha256, type, bytes, width, height, thumbhash, previews, warnings, metadata, perceptualHash } =
    blob;
  const { rows } = await pool.query<{ revision: string }>({
    name: 'blob-announce',
    text: `insert into blob as known
             (sha256, type, bytes, width, height, thumbhash, previews, created_at, orphaned_at, revision, warnings, metadata,
              perceptual_hash)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8, nextval('blob_revision'), $9, $10,
                   ('x' || $11)::bit(64)::bigint)
           on conflict (sha256) do update set
             type = excluded.type,
             width = ${newerOf('width')}, height = ${newerOf('height')}, thumbhash = ${newerOf('thumbhash')},
             previews = ${newerOf('previews')}, warnings = ${newerOf('warnings')},
             metadata = coalesce(excluded.metadata, known.metadata),
             perceptual_hash = coalesce(excluded.perceptual_hash, known.perceptual_hash),
             orphaned_at = case when known.orphaned_at is not null then excluded.orphaned_at end,
             revision = case when known.revision < 0 then excluded.revision else known.revision end
           returning revision`,
    values: [
      sha256,
      type,
      bytes,
      width,
      height,
      thumbhash,
      JSON.stringify(previews),
      now,
      JSON.stringify(warnings),
      metadata && JSON.stringify(metadata),
      perceptualHash,
    ],
  });
  if (!rows[0]) throw new Error('an announced blob has no row');
  return { ...blob, revision: rows[0].revision };
}

export async function previewLater(
  pool: Pool,
  sha256: string,
  { tries, afterMs }: { readonly tries: number; readonly afterMs: number },
): Promise<void> {
  await pool.query({
    name: 'blob-preview-later',
    text: addPreviewJobs('select $1::text as sha256, $2::int as tries', {
      runAt: `now() + $3 * interval '1 ms'`,
    }),
    values: [sha256, tries, afterMs],
  });
}
