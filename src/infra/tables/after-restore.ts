/**
 * What a restored backup must be told before it works again: the world has gone on since it was made. To be used while nobody
 * else uses the database.
 */
import { keysOf, type BlobStore } from '../files/blob-store.js';
import { newSession, type Pool } from '../postgres/database.js';
import type { StoredBlob } from './media/blobs.js';

/** Files against rows, by their keys. */
export interface FilesAfterRestore {
  /** Files that no row names: of pictures that came after the dump, mostly. */
  readonly strays: readonly string[];
  /** Media that should be ready and have lost a file: erased after the dump, mostly. */
  readonly bereft: readonly string[];
}

/** Far more than are told between two backups. */
const gap = 1_000_000_000;

/** Bounds how many removals are under way together. */
const removedAtOnce = 300;

/** Whether a process of ours is at work on this database. */
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
 * Numbers of events go on far behind those that were told after the dump: a subscriber that has seen `evt_7` would take another
 * event of that name for a repetition, and who resumes after number 7 would miss all below.
 */
export async function skipEventNumbers(pool: Pool): Promise<void> {
  await pool.query(
    `select setval(name, nextval(name) + $1) from unnest(array['event_seq', pg_get_serial_sequence('notification', 'id')]) as name`,
    [gap],
  );
}

export async function compareFiles(pool: Pool, store: Pick<BlobStore, 'keys'>): Promise<FilesAfterRestore> {
  const blobs = (await pool.prisma.blob.findMany({
    select: { sha256: true, previews: true },
  })) as unknown as readonly StoredBlob[];
  const there = new Set<string>();
  for await (const key of store.keys()) there.add(key);
  const named = new Set(blobs.flatMap(keysOf));
  const broken = blobs.filter((blob) => keysOf(blob).some((key) => !there.has(key)));
  // As one parameter: there may be more digests than a statement of Prisma Client takes.
  const { rows: media } = await pool.query<{ id: string }>(
    `select id from media where state = 'ready' and sha256 = any($1) order by id`,
    [broken.map(({ sha256 }) => sha256)],
  );
  return { strays: [...there].filter((key) => !named.has(key)), bereft: media.map(({ id }) => id) };
}

export async function removeStrays(
  blobs: Pick<BlobStore, 'remove'>,
  strays: readonly string[],
): Promise<void> {
  for (let start = 0; start < strays.length; start += removedAtOnce)
    await blobs.remove(strays.slice(start, start + removedAtOnce));
}
