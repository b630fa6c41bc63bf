/**
 * Applies the migrations. Each migration and its row in Prisma's table (`_prisma_migrations`) are one
 * transaction, so that an interrupted start leaves nothing behind. Prisma's own engine cannot do that through
 * a driver adapter: it commits every statement separately. The table is exactly Prisma's, so `prisma migrate
 * deploy` can continue from here.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runMigrations as runQueueMigrations } from 'graphile-worker';
import pg from 'pg';

import type { Logger } from '../logging/logger.js';
import { applicationName, endStatementsWithProcess } from '../postgres/database.js';
import { projectFolder } from '../process/project-folder.js';
import { indexOtherJobs } from '../queue/tasks.js';
import { finishHalfMigration } from './half-migration.js';

/** The message is a sentence that an operator can act on. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

interface Migration {
  readonly name: string;
  readonly sql: string;
}

const folder = join(projectFolder, 'prisma/migrations');
/** An arbitrary number that all processes must share. */
const inletLock = 4_716_330_112;
/** The lock of `prisma migrate deploy`. */
const prismaLock = 72_707_369;

/**
 * Creates Prisma's table. PostgreSQL requires the right to create for `create ... if not exists` even if the
 * object exists, so nothing that exists is requested, here and for the queue.
 */
const createMigrationTable = `do $$ begin
  if to_regclass('_prisma_migrations') is null then
    create table _prisma_migrations (
      id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz,
      migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
      started_at timestamptz not null default now(), applied_steps_count integer not null default 0);
  end if;
end $$`;

/** The first objects of graphile-worker. */
const createQueueTables = `do $$ begin
  if to_regnamespace('graphile_worker') is null then create schema graphile_worker; end if;
  if to_regclass('graphile_worker.migrations') is null then
    create table graphile_worker.migrations (
      id int primary key, ts timestamptz default now() not null, breaking boolean not null default false);
  end if;
end $$`;

/**
 * An administrator may have created the extension in a schema outside the user's search path. Its operator
 * class is found there from now on; our own objects are created in the first schema and found there first.
 */
const addTrigramSchema = `select set_config('search_path', concat_ws(', ', current_setting('search_path'), quote_ident(nspname)), false)
  from pg_extension join pg_namespace on pg_namespace.oid = extnamespace
  where extname = 'pg_trgm' and nspname <> all (current_schemas(true))`;

/** All settings that end a statement after some time; the names depend on the version of the server. */
const withoutTimeouts = `select set_config(name, '0', false) from pg_settings where name in ('statement_timeout', 'lock_timeout',
  'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')`;

/**
 * Brings the database up to date through `session`, which is used for nothing else. If several processes
 * start at once, one migrates and the others wait for it.
 */
export async function migrate(
  session: pg.Client,
  { connectionString, logger }: { readonly connectionString: string; readonly logger: Pick<Logger, 'info'> },
): Promise<void> {
  await session.query(withoutTimeouts);
  // The transaction of a start that was killed ends soon, and not with its statement.
  await endStatementsWithProcess(session);
  for (const lock of [inletLock, prismaLock]) await takeLock(session, { lock, logger });
  await applyMigrations(session, logger);
  await session.query(createQueueTables);
  await migrateQueue(connectionString);
  await session.query(indexOtherJobs);
}

export interface MigrationState {
  /** Names of those that the next start applies. */
  readonly pending: readonly string[];
  /** Names of those that this version does not know: a later version has applied them. */
  readonly unknown: readonly string[];
}

/** Compares the books of the database with our migrations, and changes nothing. */
export async function readMigrationState(session: pg.Client): Promise<MigrationState> {
  const names = (await readMigrations()).map(({ name }) => name);
  const { rows } = await session.query<{ books: string | null }>(
    `select to_regclass('_prisma_migrations') as books`,
  );
  if (rows[0]?.books == null) return { pending: names, unknown: [] };
  const { rows: records } = await session.query<{ name: string }>(
    `select migration_name as name from _prisma_migrations where finished_at is not null and rolled_back_at is null`,
  );
  const applied = records.map(({ name }) => name);
  return {
    pending: names.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !names.includes(name)),
  };
}

async function takeLock(
  session: pg.Client,
  { lock, logger }: { readonly lock: number; readonly logger: Pick<Logger, 'info'> },
): Promise<void> {
  const { rows } = await session.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
    lock,
  ]);
  if (rows[0]?.taken === true) return;
  logger.info('waiting for another process that migrates the database');
  await session.query('select pg_advisory_lock($1)', [lock]);
}

async function applyMigrations(session: pg.Client, logger: Pick<Logger, 'info'>): Promise<void> {
  const migrations = await readMigrations();
  await session.query(createMigrationTable);
  await session.query(addTrigramSchema);
  const { rows: records } = await session.query<Recorded>(
    `select id, migration_name as name, checksum, finished_at is not null as "isFinished"
     from _prisma_migrations where rolled_back_at is null`,
  );
  const finished = new Map(records.filter((one) => one.isFinished).map((one) => [one.name, one.checksum]));
  const edited = migrations.filter(({ name, sql }) => !isRecordOf(finished.get(name), sql));
  if (edited.length > 0) {
    const names = edited.map(({ name }) => name).join(', ');
    throw new MigrationError(`migrations were edited after they were applied: ${names}`);
  }
  for (const [index, migration] of migrations.entries()) {
    if (finished.has(migration.name)) continue;
    logger.info({ migration: migration.name }, 'migrating the database');
    const broken = records.filter((one) => one.name === migration.name).map(({ id }) => id);
    const earlier = migrations.slice(0, index).map(({ sql }) => sql);
    await inTransaction(session, async () => {
      if (broken.length === 0) await session.query(migration.sql);
      else await repair(session, { migration, earlier, broken });
      await record(session, migration);
    });
  }
}

interface Recorded {
  readonly id: string;
  readonly name: string;
  readonly checksum: string;
  readonly isFinished: boolean;
}

/**
 * A migration without a record counts as unchanged. Files may have been checked out with other line endings.
 */
function isRecordOf(checksum: string | undefined, sql: string): boolean {
  const lines = sql.replaceAll('\r\n', '\n');
  return (
    checksum === undefined || [sql, lines, lines.replaceAll('\n', '\r\n')].map(checksumOf).includes(checksum)
  );
}

function checksumOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}

async function record(session: pg.Client, { name, sql }: Migration): Promise<void> {
  await session.query(
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     values ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), checksumOf(sql), name],
  );
}

interface BrokenMigration {
  readonly migration: Migration;
  readonly earlier: readonly string[];
  /** The ids of its unfinished records. */
  readonly broken: readonly string[];
}

async function repair(session: pg.Client, { migration, earlier, broken }: BrokenMigration): Promise<void> {
  if (!(await finishHalfMigration(session, { earlier, half: migration.sql }))) {
    throw new MigrationError(
      `an earlier start was interrupted during the migration ${migration.name}, and the tables have been changed since: ` +
        'restore the backup from before the update, or use an empty database if this one has received nothing',
    );
  }
  await session.query('update _prisma_migrations set rolled_back_at = now() where id = any($1)', [broken]);
}

async function inTransaction(session: pg.Client, work: () => Promise<unknown>): Promise<void> {
  await session.query('begin');
  try {
    await work();
    await session.query('commit');
  } catch (error) {
    // A lost connection has ended the transaction already.
    await session.query('rollback').catch(() => undefined);
    throw error;
  }
}

/**
 * graphile-worker makes each of its own migrations in one transaction with its record, on a connection from a
 * pool.
 */
async function migrateQueue(connectionString: string): Promise<void> {
  const pool = new pg.Pool({
    connectionString,
    application_name: applicationName,
    max: 1,
    onConnect: (client) => client.query(withoutTimeouts) as unknown as undefined,
  });
  // The running statement reports a lost connection, too.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await runQueueMigrations({ pgPool: pool });
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('breaking migration')) throw error;
    throw new MigrationError(
      'a later version of Inlet has changed this database: start that version, or restore the backup from before the update',
      { cause: error },
    );
  } finally {
    await pool.end();
  }
}

async function readMigrations(): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names
      .sort()
      .map(async (name) => ({ name, sql: await readFile(join(folder, name, 'migration.sql'), 'utf8') })),
  );
}
