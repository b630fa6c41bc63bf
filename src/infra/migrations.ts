/**
 * Applies the migrations with Prisma's own schema engine, as WebAssembly over the driver adapter: the command line's
 * native engine is a download, and a start must need no network. The bookkeeping is Prisma's (`_prisma_migrations`),
 * so `prisma migrate deploy` goes on from here.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import { runMigrations as runQueueMigrations } from 'graphile-worker';
import pg from 'pg';

import { newSession, type Database } from './database.js';

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

const prismaFolder = join(import.meta.dirname, '../../prisma');
/** Any number will do; all processes must agree on it. */
const migrationLock = 4_716_330_112;
/** The queue and the worker registry keep their own books. */
const filters = { externalTables: [], externalEnums: [] };

/** Brings the database up to date. Several processes may start at once: one migrates, the others wait for it. */
export async function migrate(database: Database): Promise<void> {
  const session = newSession(database.connectionString);
  await session.connect();
  try {
    await refuseOldServer(session);
    await session.query('select pg_advisory_lock($1)', [migrationLock]);
    await applyMigrations(database);
    await runQueueMigrations({ pgPool: database.pool });
  } finally {
    await session.end();
  }
}

async function refuseOldServer(session: pg.Client): Promise<void> {
  const { rows } = await session.query<{ server_version_num: string }>('show server_version_num');
  const version = Number(rows[0]?.server_version_num ?? 0);
  if (version < 140_000)
    throw new MigrationError(`PostgreSQL >= 14 is needed; this server is ${String(version / 10_000)}`);
}

async function applyMigrations(database: Database): Promise<void> {
  const migrationsList = await readMigrations();
  // The engine keeps its connections, and with them its own lock, which the next process would wait for: they are ended here.
  const connections = new pg.Pool({ connectionString: database.connectionString });
  connections.on('error', () => undefined);
  try {
    await applyWith(new PrismaPg(connections), migrationsList);
  } finally {
    await connections.end();
  }
}

async function applyWith(connections: PrismaPg, migrationsList: MigrationsList): Promise<void> {
  await withSchemaEngine(connections, async (engine) => {
    const diagnosis = await engine.diagnoseMigrationHistory({
      migrationsList,
      optInToShadowDatabase: false,
      filters,
    });
    if (diagnosis.editedMigrationNames.length > 0) {
      throw new MigrationError(
        `migrations were edited after they were applied: ${diagnosis.editedMigrationNames.join(', ')}`,
      );
    }
    await engine.applyMigrations({ migrationsList, filters });
  });
}

type MigrationsList = Parameters<SchemaEngine['applyMigrations']>[0]['migrationsList'];

async function readMigrations(): Promise<MigrationsList> {
  const baseDir = join(prismaFolder, 'migrations');
  const entries = await readdir(baseDir, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir,
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(join(baseDir, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: {
            tag: 'ok' as const,
            value: await readFile(join(baseDir, name, 'migration.sql'), 'utf8'),
          },
        },
      })),
    ),
  };
}

interface Bindings {
  readonly SchemaEngine: typeof SchemaEngine;
  readonly __wbg_set_wasm: (exports: WebAssembly.Exports) => void;
}

interface SchemaFile {
  readonly path: string;
  readonly content: string;
}

/** Prisma's schema engine on a database, with the schema of `prisma/schema.prisma`. */
export async function withSchemaEngine<T>(
  connections: SqlMigrationAwareDriverAdapterFactory,
  use: (engine: SchemaEngine, schema: SchemaFile) => Promise<T>,
): Promise<T> {
  const bindings = await (loaded ??= loadBindings());
  const path = join(prismaFolder, 'schema.prisma');
  const schema = { path, content: await readFile(path, 'utf8') };
  const adapter = bindMigrationAwareSqlAdapterFactory(connections);
  const engine = await bindings.SchemaEngine.new(
    { datamodels: [[path, schema.content]] },
    () => undefined,
    adapter,
  );
  try {
    return await use(engine, schema);
  } finally {
    engine.free();
  }
}

/** The generated glue keeps its instance in module variables: a second instance would corrupt the first. */
let loaded: Promise<Bindings> | undefined;

async function loadBindings(): Promise<Bindings> {
  const require = createRequire(import.meta.url);
  const bindings = (await import('@prisma/schema-engine-wasm/schema_engine_bg')) as unknown as Bindings;
  const file = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg').replace(/\.js$/, '.wasm');
  const module = await WebAssembly.compile(await readFile(file));
  const instance = await WebAssembly.instantiate(module, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports['__wbindgen_start'] as () => void)();
  return bindings;
}
