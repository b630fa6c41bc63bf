/**
 * Brings a restored backup up to date before the service starts with it. No other process may use the
 * database meanwhile.
 */
import { keysOf, type BlobStore } from '../files/blob-store.js';
import { newSession, type Pool } from '../postgres/database.js';
import type { StoredBlob } from './media/blobs.js';

/** The differences between files and rows. */
export interface FilesAfterRestore {
  /** The keys of files without a row, mostly of pictures that arrived after the dump. */
  readonly filesWithoutRow: readonly string[];
  /** The ids of ready media without their files, most of which were erased after the dump. */
  readonly mediaWithoutFile: readonly string[];
}

/** Far more than the number of events between two backups. */
const eventNumberGap = 1_000_000_000;

/** The number of files that are deleted at once. */
const removeBatchSize = 300;

/** Whether a process of this service uses the database. */
export async function isInUse(connectionString: string): Promise<boolean> {
  const session = newSession(connectionString);
  try {
    await session.connect();
    const { rowCount } = await session.query(
      `select from pg_stat_activity as other join pg_stat_activity as self on self.pid = pg_backend_pid()
         and other.datname = self.datname and other.application_name = self.application_name and other.pid <> self.pid`,
    );
    return (rowCount ?? 0) > 0;
  } finally {
    await session.end().catch(() => undefined);
  }
}

/**
 * Continues the numbers of events far beyond those that were published after the dump. A subscriber that has
 * seen `evt_7` would otherwise take another event of that name for a repetition, and a stream that resumes
 * after number 7 would miss all events below it.
 */
export async function skipEventNumbers(pool: Pool): Promise<void> {
  await pool.query(
    `select setval(name, nextval(name) + $1) from unnest(array['event_seq', pg_get_serial_sequence('notification', 'id')]) as name`,
    [eventNumberGap],
  );
}

export async function compareFiles(pool: Pool, store: Pick<BlobStore, 'keys'>): Promise<FilesAfterRestore> {
  const blobs = (await pool.prisma.blob.findMany({
    select: { sha256: true, previews: true },
  })) as unknown as readonly StoredBlob[];
  const existing = new Set<string>();
  for await (const key of store.keys()) existing.add(key);
  const named = new Set(blobs.flatMap(keysOf));
  const broken = blobs.filter((blob) => keysOf(blob).some((key) => !existing.has(key)));
  // One array parameter, because there may be more digests than a statement of Prisma Client accepts.
  const { rows: media } = await pool.query<{ id: string }>(
    `select id from media where state = 'ready' and sha256 = any($1) order by id`,
    [broken.map(({ sha256 }) => sha256)],
  );
  return {
    filesWithoutRow: [...existing].filter((key) => !named.has(key)),
    mediaWithoutFile: media.map(({ id }) => id),
  };
}

export async function removeFiles(blobs: Pick<BlobStore, 'remove'>, keys: readonly string[]): Promise<void> {
  for (let start = 0; start < keys.length; start += removeBatchSize)
    await blobs.remove(keys.slice(start, start + removeBatchSize));
}
