import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { pino } from 'pino';

import { openDatabase } from '../../src/infra/database.js';
import { migrate, MigrationError, withSchemaEngine } from '../../src/infra/migrations.js';
import { built, projectFolder, startScript } from '../process/program.js';
import { cloneDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const prismaFolder = join(projectFolder, 'prisma');
let clone: TestDatabase;
const made: string[] = [];
beforeAll(async () => {
  clone = await cloneDatabase();
});
afterAll(async () => {
  for (const name of made) await clone.query(`drop database ${name} with (force)`);
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
  const database = openDatabase(connectionString, pino({ level: 'silent' }));
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

async function appliedTo(connectionString: string): Promise<string[]> {
  return withDatabase(connectionString, async ({ pool }) => {
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

describe('the migrations', () => {
  test('are all applied to an empty database, and a second time there is nothing to do', async () => {
    const url = await emptyDatabase();
    await withDatabase(url, migrate);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
    await withDatabase(url, migrate);
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
    await withDatabase(url, async ({ pool, prisma }) => {
      expect(await prisma.media.count()).toBe(0);
      await pool.query(`select graphile_worker.add_job('fetch')`);
    });
  });

  test('are applied once when four processes start at the same time', async () => {
    const url = await emptyDatabase();
    const source = `
      import { pino } from 'pino';
      import { openDatabase } from '${built('infra/database.js')}';
      import { migrate } from '${built('infra/migrations.js')}';
      const database = openDatabase(process.argv[1], pino({ level: 'silent' }));
      await migrate(database);
      await database.close();
      console.log('migrated');
      setInterval(() => {}, 1000);
    `;
    const programs = Array.from({ length: 4 }, () => startScript(source, [url]));
    await Promise.all(programs.map((program) => program.says(/migrated/)));
    // Left open, the engine's connections would keep its own lock for ten seconds, and whoever comes next waiting.
    const open = `select from pg_stat_activity where datname = '${new URL(url).pathname.slice(1)}'`;
    await until(async () => (await clone.query(open)).length === 0, 5_000);
    await Promise.all(programs.map((program) => program.kill('SIGKILL')));
    expect(programs.map((program) => program.output())).toEqual(Array(4).fill('migrated\n'));
    expect(await appliedTo(url)).toEqual(await migrationsInFolder());
  });

  test('that were edited after they were applied are refused by name', async () => {
    const url = await emptyDatabase();
    await withDatabase(url, migrate);
    await withDatabase(url, ({ pool }) =>
      pool.query(`update _prisma_migrations set checksum = 'another' where migration_name like '%_intake'`),
    );
    const again = withDatabase(url, migrate);
    await expect(again).rejects.toBeInstanceOf(MigrationError);
    await expect(again).rejects.toThrow('_intake');
  });

  test('keep what is there', async () => {
    const url = await emptyDatabase();
    await withDatabase(url, migrate);
    await withDatabase(url, ({ pool }) =>
      pool.query(`insert into blob (sha256, type, bytes, previews) values ('a', 'image/png', 1, '[]')`),
    );
    await withDatabase(url, migrate);
    expect(await withDatabase(url, ({ prisma }) => prisma.blob.count())).toBe(1);
  });
});

/**
 * Two quirks of reading a schema (applying migrations is not concerned): the adapter refuses the type "char", which some of
 * the engine's questions ask for, and PostgreSQL 18 lists what is not null as a constraint, of a kind that the engine lacks.
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

/** The SQL that the database lacks to be what `prisma/schema.prisma` says; empty when it lacks nothing. */
async function missingSql(connectionString: string): Promise<string> {
  const connections = new pg.Pool({ connectionString });
  try {
    return await withSchemaEngine(readingSchemas(connections), async (engine, schema) => {
      const { stdout } = await engine.diff({
        from: { tag: 'schemaDatasource', files: [schema], configDir: prismaFolder },
        to: { tag: 'schemaDatamodel', files: [schema] },
        ...{ script: true, exitCode: null, shadowDatabaseUrl: null },
        filters: { externalTables: [], externalEnums: [] },
      });
      return (stdout ?? '').trim();
    });
  } finally {
    await connections.end();
  }
}

const nothing = '-- This is an empty migration.';

describe('a migrated database', () => {
  test('is exactly what the schema says', async () => {
    expect(await missingSql(clone.connectionString)).toBe(nothing);
  });

  test.each([
    ['a column', 'alter table media drop column filename', '"filename"'],
    ['an index', 'drop index message_caption_idx', 'message_caption_idx'],
    [
      'a rule that something is not null',
      'alter table media alter column kind drop not null',
      '"kind" SET NOT NULL',
    ],
    ['a table', 'drop table message_status', 'CREATE TABLE "message_status"'],
  ])('that lost %s is told from it', async (_, statement, named) => {
    const database = await cloneDatabase();
    try {
      await database.query(statement);
      expect(await missingSql(database.connectionString)).toContain(named);
    } finally {
      await database.drop();
    }
  });
});
