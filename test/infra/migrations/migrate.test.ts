import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';
import { pino } from 'pino';

import { prepareDatabase } from '../../../src/infra/migrations/start-database.js';
import { openDatabase } from '../../../src/infra/postgres/database.js';
import { built, projectFolder, startScript } from '../../support/program.js';
import { withSchemaEngine } from '../../support/schema-engine.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const prismaFolder = join(projectFolder, 'prisma');
let clone: TestDatabase;
const made: string[] = [];
const roles: string[] = [];
beforeAll(async () => {
  clone = await cloneDatabase();
});
afterAll(async () => {
  for (const name of made) await clone.query(`drop database ${name} with (force)`);
  for (const name of roles) await clone.query(`drop role ${name}`);
  await clone.drop();
});

async function emptyDatabase(): Promise<string> {
  const name = `${new URL(clone.connectionString).pathname.slice(1)}_${randomBytes(4).toString('hex')}`;
  await clone.query(`create database ${name} template template0`);
  made.push(name);
  return Object.assign(new URL(clone.connectionString), { pathname: `/${name}` }).href;
}

async function withDatabase<T>(
  connectionString: string,
  use: (database: ReturnType<typeof openDatabase>) => Promise<T>,
): Promise<T> {
  const database = openDatabase(connectionString, logger);
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

const logger = pino({ level: 'silent' });
const migrate = (connectionString: string): Promise<void> =>
  prepareDatabase({
    connectionString,
    setting: 'DATABASE_URL',
    logger,
    stopping: new AbortController().signal,
  });

async function appliedTo(connectionString: string): Promise<string[]> {
  return withDatabase(connectionString, async ({ work: pool }) => {
    const { rows } = await pool.query<{ migration_name: string }>(
      'select migration_name from _prisma_migrations where finished_at is not null order by started_at',
    );
    return rows.map((row) => row.migration_name);
  });
}

async function migrationsInFolder(): Promise<string[]> {
  const entries = await readdir(join(prismaFolder, 'migrations'), { withFileTypes: true });
  return entries
    .filter((one) => one.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

const migratingProgram = `
  import { prepareDatabase } from '${built('infra/migrations/start-database.js')}';
  const logger = { info: () => undefined, warn: () => undefined };
  const stopping = new AbortController().signal;
  console.log('begins');
  await prepareDatabase({ connectionString: process.argv[1], setting: 'DATABASE_URL', logger, stopping });
  console.log('migrated');`;

/** Runs statements as the superuser. */
async function run(url: string, ...statements: readonly string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements.slice(0, -1)) await client.query(statement);
    return (await client.query<Record<string, unknown>>(statements.at(-1) ?? '')).rows;
  } finally {
    await client.end();
  }
}

describe('the migrations', () => {
  test('are all applied to an empty database, and a second run changes nothing', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
    await migrate(url);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
    await withDatabase(url, async ({ work: pool, api: { prisma } }) => {
      expect(await prisma.media.count()).toBe(0);
      await pool.query(`select graphile_worker.add_job('fetch')`);
    });
  });

  test('are applied once when four processes start at the same time', async () => {
    const url = await emptyDatabase();
    const source = `${migratingProgram} setInterval(() => {}, 1000);`;
    const programs = Array.from({ length: 4 }, () => startScript(source, [url]));
    await Promise.all(programs.map((program) => program.says(/migrated/)));
    // An open connection would keep its locks and make the next start wait.
    const open = `select from pg_stat_activity where datname = '${new URL(url).pathname.slice(1)}'`;
    await until(async () => (await clone.query(open)).length === 0, 15_000);
    await Promise.all(programs.map((program) => program.kill('SIGKILL')));
    expect(programs.map((program) => program.output())).toEqual(Array(4).fill('begins\nmigrated\n'));
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
  });

  test('that were edited after they were applied are refused by name', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    await withDatabase(url, ({ work: pool }) =>
      pool.query(`update _prisma_migrations set checksum = 'another' where migration_name like '%_intake'`),
    );
    await expect(migrate(url)).rejects.toThrow(
      /^DATABASE_URL: migrations were edited after they were applied: 20261121090000_intake$/,
    );
  });

  test('refuse a database whose queue a later version has changed', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    await run(url, 'insert into graphile_worker.migrations (id, breaking) values (999, true)');
    await expect(migrate(url)).rejects.toThrow(
      /^DATABASE_URL: a later version of Inlet has changed this database: start that version/,
    );
  });

  test('keep existing data', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    await withDatabase(url, ({ work: pool }) =>
      pool.query(`insert into blob (sha256, type, bytes, previews) values ('a', 'image/png', 1, '[]')`),
    );
    await migrate(url);
    expect(await withDatabase(url, ({ api }) => api.prisma.blob.count())).toBe(1);
  });
});

/**
 * The result of a version that committed every statement separately: complete migrations, and the first
 * statements of the next one.
 */
async function applyAsBefore(url: string, whole: number, statements: number): Promise<void> {
  await run(
    url,
    `create table _prisma_migrations (
       id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz,
       migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
       started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`,
  );
  for (const [index, name] of (await migrationsInFolder()).slice(0, whole + 1).entries()) {
    const sql = await readFile(join(prismaFolder, 'migrations', name, 'migration.sql'), 'utf8');
    const isWhole = index < whole;
    const executed = isWhole ? [sql] : partsOf(sql).slice(0, statements);
    const checksum = createHash('sha256').update(sql).digest('hex');
    await run(
      url,
      ...executed,
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       values ('${randomUUID()}', '${checksum}', '${name}', ${isWhole ? 'now()' : 'null'}, ${isWhole ? '1' : '0'})`,
    );
  }
}

function partsOf(sql: string): string[] {
  return sql.split(';').filter((statement) => statement.trim() !== '');
}

/** The second migration adds columns to several tables; it waits for this one after some of them. */
async function holdMessages(url: string): Promise<{ readonly letGo: () => Promise<void> }> {
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  await holder.query('begin');
  await holder.query('lock table message in access share mode');
  return {
    letGo: async () => {
      await holder.query('commit');
      await holder.end();
    },
  };
}

describe('an interrupted migration', () => {
  test.each([
    ['before its first statement', 0, 0],
    ['after its first statement', 0, 1],
    ['after its second table', 0, 3],
    ['between its last index and its end', 0, 15],
    ['in a table that is not new', 1, 3],
    ['between two tables', 1, 8],
    ['in the last one', 4, 1],
  ])('by an earlier version %s is finished', async (_, whole, statements) => {
    const url = await emptyDatabase();
    await applyAsBefore(url, whole, statements);
    await migrate(url);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
    expect(await missingSql(url)).toBe(nothing);
    const [half] = (await migrationsInFolder()).slice(whole);
    expect(
      await run(
        url,
        `select count(*)::int as records, count(rolled_back_at)::int as "rolledBack"
         from _prisma_migrations where migration_name = '${String(half)}'`,
      ),
    ).toEqual([{ records: 2, rolledBack: 1 }]);
  });

  test.each([
    ['a table of somebody else', 0, 'create table message (id uuid primary key)'],
    ['a column of another type', 1, 'alter table media add column erased_at text'],
  ])('beside %s is reported, and nothing is changed', async (_, whole, statement) => {
    const url = await emptyDatabase();
    await applyAsBefore(url, whole, 0);
    await run(url, statement);
    const tables = `select table_name, column_name, data_type from information_schema.columns
      where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2`;
    const before = await run(url, tables);
    const [half = ''] = (await migrationsInFolder()).slice(whole);
    await expect(migrate(url)).rejects.toThrow(
      new RegExp(`^DATABASE_URL: an earlier start was interrupted during the migration ${half}, .*backup`),
    );
    expect(await run(url, tables)).toEqual(before);
  });

  test('after a kill in the middle leaves nothing behind, and the next start applies it', async () => {
    const url = await emptyDatabase();
    await applyAsBefore(url, 1, 0);
    await run(url, `update _prisma_migrations set rolled_back_at = now() where finished_at is null`);
    const holder = await holdMessages(url);
    const program = startScript(migratingProgram, [url]);
    const waiting = `select from pg_locks where relation = 'message'::regclass and not granted`;
    await until(async () => (await run(url, waiting)).length > 0, 90_000);
    await program.kill('SIGKILL');
    await holder.letGo();
    await migrate(url);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
    expect(
      await run(url, 'select from _prisma_migrations where finished_at is null and rolled_back_at is null'),
    ).toEqual([]);
  });

  test('after kills at any time is applied by the next start', async () => {
    const url = await emptyDatabase();
    for (let round = 0; round < 4; round += 1) {
      const program = startScript(migratingProgram, [url]);
      await program.says(/begins/);
      await new Promise((go) => setTimeout(go, Math.random() * 150));
      await program.kill('SIGKILL');
    }
    await migrate(url);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
    expect(await missingSql(url)).toBe(nothing);
  }, 180_000);
});

describe('the user of the database', () => {
  async function userOf(url: string, ...rights: readonly string[]): Promise<string> {
    const name = `inlet_user_${randomBytes(4).toString('hex')}`;
    roles.push(name);
    await run(
      url,
      `create role ${name} login password 'secret'`,
      ...rights.map((right) => `${right} to ${name}`),
    );
    return Object.assign(new URL(url), { username: name, password: 'secret' }).href;
  }

  test('needs no right to create anything once everything exists', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    const user = await userOf(
      url,
      'grant select, insert, update, delete on all tables in schema public',
      'grant usage on schema graphile_worker',
      'grant select on all tables in schema graphile_worker',
    );
    await migrate(user);
  });

  test('may create objects in schemas that were created for it, without a right on the database', async () => {
    const url = await emptyDatabase();
    const user = await userOf(url, 'grant create, usage on schema public');
    await expect(migrate(user)).rejects.toThrow(/^DATABASE_URL: its user lacks a right, .* \(42501\)$/);
    await run(
      url,
      'create extension pg_trgm',
      `create schema graphile_worker authorization ${new URL(user).username}`,
    );
    await migrate(user);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
  });

  test('may have its own schema, and the extension in one outside its search path', async () => {
    const url = await emptyDatabase();
    await run(url, 'create table media (id int)', 'create extension pg_trgm');
    const own = Object.assign(new URL(url), { search: '?options=-c%20search_path%3Down' }).href;
    await run(url, 'create schema own');
    await migrate(own);
    expect(await appliedTo(own)).toEqual(await migrationsInFolder());
    await migrate(own);
    const found = await run(
      url,
      `select column_name from information_schema.columns where table_name = 'media'
      and table_schema = 'public'`,
    );
    expect(found).toEqual([{ column_name: 'id' }]);
  });

  test('may have a statement timeout, which does not apply to migrations', async () => {
    const url = await emptyDatabase();
    await applyAsBefore(url, 1, 0);
    const name = new URL(url).pathname.slice(1);
    const holder = await holdMessages(url);
    await run(url, `alter database ${name} set statement_timeout = '2s'`);
    const migrating = migrate(url);
    // Asked in another database, whose statements have no timeout.
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = '${name}'
      and clock_timestamp() - query_start > '3 s'`;
    await until(async () => (await clone.query(waiting)).length > 0, 90_000);
    await holder.letGo();
    await migrating;
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
  });
});

describe('the migration table', () => {
  test('is that of Prisma, whose own engine can continue with it', async () => {
    const url = await emptyDatabase();
    await migrate(url);
    const connections = new pg.Pool({ connectionString: url });
    try {
      await withSchemaEngine(new PrismaPg(connections), async (engine) => {
        const migrationsList = await listWith('29990101000000_more', 'create table more (id int)');
        const filters = { externalTables: [], externalEnums: [] };
        const diagnosis = await engine.diagnoseMigrationHistory({
          migrationsList,
          filters,
          optInToShadowDatabase: false,
        });
        expect(diagnosis).toMatchObject({ editedMigrationNames: [], failedMigrationNames: [] });
        const applied = await engine.applyMigrations({ migrationsList, filters });
        expect(applied.appliedMigrationNames).toEqual(['29990101000000_more']);
      });
    } finally {
      await connections.end();
    }
    await migrate(url);
    expect(await run(url, 'select count(*)::int as count from more')).toEqual([{ count: 0 }]);
  });
});

type MigrationsList = Parameters<SchemaEngine['applyMigrations']>[0]['migrationsList'];

/** All migrations and one more, in the format of Prisma's engine. */
async function listWith(name: string, sql: string): Promise<MigrationsList> {
  const baseDir = join(prismaFolder, 'migrations');
  const fileOf = (value: string) => ({ path: 'migration.sql', content: { tag: 'ok' as const, value } });
  const known = (await migrationsInFolder()).map(async (path) => ({
    path,
    migrationFile: fileOf(await readFile(join(baseDir, path, 'migration.sql'), 'utf8')),
  }));
  return {
    baseDir,
    shadowDbInitScript: '',
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(join(baseDir, 'migration_lock.toml'), 'utf8'),
    },
    migrationDirectories: [...(await Promise.all(known)), { path: name, migrationFile: fileOf(sql) }],
  };
}

/**
 * Two quirks of reading a schema, which do not affect applying migrations: the adapter refuses the type
 * "char", which some of the engine's queries request, and PostgreSQL 18 lists NOT NULL as a constraint of a
 * kind that the engine does not know.
 */
function readingSchemas(connections: pg.Pool): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(connections);
  const connect = async (): ReturnType<PrismaPg['connect']> => {
    const adapter = await factory.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = (query) => queryRaw({ ...query, sql: repair(query.sql) });
    return adapter;
  };
  const { adapterName, provider } = factory;
  return { adapterName, provider, connect, connectToShadowDb: connect };
}

function repair(sql: string): string {
  return sql
    .replace('constr.contype AS', 'constr.contype::text AS')
    .replace(`contype NOT IN ('p', 'u', 'f')`, `contype NOT IN ('p', 'u', 'f', 'n')`)
    .replace(/con\.(conf(?:del|upd)type),/g, 'con.$1::text AS $1,');
}

/**
 * The SQL that turns the database into what `prisma/schema.prisma` describes; empty if there is no
 * difference.
 */
async function missingSql(connectionString: string): Promise<string> {
  const connections = new pg.Pool({ connectionString });
  try {
    return await withSchemaEngine(readingSchemas(connections), async (engine, schema) => {
      // The engine requires a shadow database that its types do not declare.
      const request = {
        from: { tag: 'schemaDatasource' as const, files: [schema], configDir: prismaFolder },
        to: { tag: 'schemaDatamodel' as const, files: [schema] },
        script: true,
        exitCode: null,
        shadowDatabaseUrl: null,
        filters: { externalTables: [], externalEnums: [] },
      };
      const { stdout } = await engine.diff(request);
      return (stdout ?? '').trim();
    });
  } finally {
    await connections.end();
  }
}

const nothing = '-- This is an empty migration.';

describe('a migrated database', () => {
  test('equals the schema', async () => {
    expect(await missingSql(clone.connectionString)).toBe(nothing);
  });

  test.each([
    ['a column', 'alter table media drop column filename', '"filename"'],
    ['an index', 'drop index person_search_idx', 'person_search_idx'],
    [
      'a rule that something is not null',
      'alter table media alter column kind drop not null',
      '"kind" SET NOT NULL',
    ],
    ['a table', 'drop table message_status', 'CREATE TABLE "message_status"'],
  ])('that lost %s differs from it', async (_, statement, named) => {
    const database = await cloneDatabase();
    try {
      await database.query(statement);
      expect(await missingSql(database.connectionString)).toContain(named);
    } finally {
      await database.drop();
    }
  });
});
