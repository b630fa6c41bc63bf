/** Looks at a database as a start does, and changes nothing. */
import type pg from 'pg';

import { newSession } from '../postgres/database.js';
import type { ChannelSettings } from '../tables/channels.js';
import { readMigrationState, type MigrationState } from './migrate.js';
import { connectBoth, connectTimeoutMs, inOneSentence } from './start-database.js';

export interface DatabaseState {
  /** The version as the server writes it: `18.1`. */
  readonly version: string;
  readonly migrations: MigrationState;
  /** What the user may not do and has to, in words. */
  readonly missingRights: readonly string[];
  /** How far the clock of the server is ahead of this machine's clock. */
  readonly clockAheadMs: number;
  /** The channels that were added at run time. */
  readonly channels: readonly ChannelSettings[];
}

interface InspectOptions {
  readonly connectionString: string;
  /** What the operator knows the database by. */
  readonly setting: string;
}

/** Rejects with a `DatabaseStartError` when a start could not use the database. */
export async function inspectDatabase(options: InspectOptions): Promise<DatabaseState> {
  const { connectionString, setting } = options;
  const session = newSession(connectionString, connectTimeoutMs);
  const other = newSession(connectionString, connectTimeoutMs);
  try {
    await connectBoth(session, other);
    const migrations = await readMigrationState(session);
    return {
      ...(await readClock(session)),
      migrations,
      missingRights: await readMissingRights(session, migrations),
      channels: await readChannels(session),
    };
  } catch (error) {
    throw inOneSentence(setting, error);
  } finally {
    for (const each of [session, other]) void each.end().catch(() => undefined);
  }
}

async function readClock(session: pg.Client): Promise<Pick<DatabaseState, 'version' | 'clockAheadMs'>> {
  const asked = Date.now();
  const { rows } = await session.query<{ version: string; now: string }>(
    `select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now`,
  );
  const answered = Date.now();
  const [row] = rows;
  return {
    version: row?.version.split(' ')[0] ?? '',
    clockAheadMs: Math.round(Number(row?.now) - (asked + answered) / 2),
  };
}

interface Rights {
  readonly inDatabase: boolean;
  readonly inSchema: boolean;
  readonly hasTrigrams: boolean;
  readonly hasQueue: boolean;
  /** Tables that the user may not read and write. */
  readonly closed: readonly string[];
}

const rights = `select
  has_database_privilege(current_database(), 'create') as "inDatabase",
  has_schema_privilege(current_schema(), 'create') as "inSchema",
  exists (select from pg_extension where extname = 'pg_trgm') as "hasTrigrams",
  to_regnamespace('graphile_worker') is not null as "hasQueue",
  array (
    select relname::text from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r'
      and not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
        and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))
    order by relname
  ) as closed`;

async function readMissingRights(session: pg.Client, { pending }: MigrationState): Promise<string[]> {
  const { rows } = await session.query<Rights>(rights);
  const [found] = rows;
  if (found === undefined) return [];
  const { inDatabase, inSchema, hasTrigrams, hasQueue, closed } = found;
  const needsDatabase = !hasTrigrams || !hasQueue;
  return [
    ...(needsDatabase && !inDatabase ? ['CREATE on the database'] : []),
    ...(pending.length > 0 && !inSchema ? ['CREATE on the schema'] : []),
    ...(closed.length > 0 ? [`reading and writing the tables ${closed.join(', ')}`] : []),
  ];
}

async function readChannels(session: pg.Client): Promise<ChannelSettings[]> {
  const { rows: tables } = await session.query<{ name: string | null }>(
    `select to_regclass('channel') as name`,
  );
  if (tables[0]?.name == null) return [];
  const { rows } = await session.query<ChannelSettings>(
    `select id, provider, name, settings, enabled, created_at as "createdAt", updated_at as "updatedAt"
     from channel order by id`,
  );
  return rows;
}
