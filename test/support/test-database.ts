/** Databases for tests: clones of the migrated template that global-setup.ts has made. */
import { randomBytes } from 'node:crypto';

import pg from 'pg';

export interface TestDatabase {
  readonly connectionString: string;
  /** Runs one statement and returns its rows. */
  readonly query: <Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ) => Promise<Row[]>;
  /** Deletes all rows and jobs, which takes less time than another clone. */
  readonly empty: () => Promise<void>;
  /** Ends every connection and accepts no new one until `comeBack`, like an unavailable server. */
  readonly goAway: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
  /** Drops the database and ends its connections. */
  readonly drop: () => Promise<void>;
}

/**
 * Creates a database that is migrated and empty, or a copy of another one that is unavailable. It takes about
 * 50 ms. The caller drops it.
 */
export async function cloneDatabase(like?: Pick<TestDatabase, 'connectionString'>): Promise<TestDatabase> {
  const server = process.env['INLET_TEST_SERVER'];
  const template = process.env['INLET_TEST_TEMPLATE'];
  if (server === undefined || template === undefined) throw new Error('global-setup.ts has not run');
  const name = `${template}_${randomBytes(6).toString('hex')}`;
  const connectionString = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const original = like ? new URL(like.connectionString).pathname.slice(1) : template;
  await once(server, `create database ${name} template ${original} ${process.env['INLET_TEST_CLONE'] ?? ''}`);
  const pool = new pg.Pool({ connectionString, application_name: 'inlet-test', max: 4 });
  pool.on('error', () => undefined); // `goAway` also ends the connections of this pool.
  return {
    connectionString,
    query: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await pool.query<Row>(text, [...values])).rows,
    empty: async () => {
      await pool.query(deleteAll);
    },
    goAway: async () => {
      await once(server, `alter database ${name} with allow_connections false`);
      await once(server, 'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
        name,
      ]);
    },
    comeBack: async () => {
      await once(server, `alter database ${name} with allow_connections true`);
    },
    drop: async () => {
      await pool.end();
      await once(server, `drop database if exists ${name} with (force)`);
    },
  };
}

/**
 * Sequences continue. The tables of graphile-worker other than these two contain what its processes have in
 * memory.
 */
const deleteAll = `
  do $$
  begin
    execute (select 'truncate ' || string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables
             where schemaname = 'public' and tablename <> '_prisma_migrations'
                or schemaname = 'graphile_worker' and tablename in ('_private_jobs', '_private_job_queues'));
  end $$`;

async function once(server: string, text: string, values: readonly unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: server, application_name: 'inlet-test' });
  await client.connect();
  try {
    await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}
