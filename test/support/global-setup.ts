/**
 * One PostgreSQL for all tests, with a migrated template that each of them clones (test-database.ts): an
 * embedded one in a temporary folder, or the server that TEST_DATABASE_URL names.
 *
 * Jest loads this file as CommonJS and before any test module, so it cannot import sources. It uses the build
 * instead, which it brings up to date first.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import type * as EmbeddedPostgres from '../../src/infra/postgres/embedded/server.js';

const run = promisify(execFile);

interface TestServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

async function setUp({ rootDir }: { readonly rootDir: string }): Promise<void> {
  await run(process.execPath, ['build.mjs', '--if-needed'], { cwd: rootDir });
  const given = process.env['TEST_DATABASE_URL'];
  const server = given === undefined ? await startServer(rootDir) : { url: given, stop: nothing };
  const template = `inlet_test_${randomBytes(4).toString('hex')}`;
  const stopTestServer = async (): Promise<void> => {
    await dropClones(server.url, template);
    await server.stop();
  };
  try {
    await administer(server.url, `create database ${template}`);
    await migrateTemplate(rootDir, databaseUrl(server.url, template));
  } catch (error) {
    await stopTestServer();
    throw error;
  }
  // Copying the files of the template takes half the processor time of writing it to the log, as PostgreSQL
  // does otherwise since version 15.
  const version = await administer<{ major: number }>(server.url, versionQuery);
  process.env['INLET_TEST_CLONE'] = (version[0]?.major ?? 0) >= 15 ? 'strategy file_copy' : '';
  process.env['INLET_TEST_SERVER'] = server.url;
  process.env['INLET_TEST_TEMPLATE'] = template;
  Object.assign(globalThis, { stopTestServer }); // For global-teardown.ts.
}

const versionQuery = `select current_setting('server_version_num')::int / 10000 as major`;

const nothing = (): Promise<void> => Promise.resolve();

async function startServer(rootDir: string): Promise<TestServer> {
  const { startEmbeddedPostgres } = (await import(
    join(rootDir, 'dist/infra/postgres/embedded/server.js')
  )) as typeof EmbeddedPostgres;
  const folder = await mkdtemp(join(tmpdir(), 'inlet-test-postgres-'));
  const { connectionString, stop } = await startEmbeddedPostgres(folder);
  // Test data need not survive a crash, and every clone of the template would wait for the disk.
  await administer(connectionString, 'alter system set fsync = off');
  // It would change plans while a test compares them, and take processor time from the suites.
  await administer(connectionString, 'alter system set autovacuum = off');
  await administer(connectionString, 'select pg_reload_conf()');
  return {
    url: connectionString,
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Migrates in a separate process, as a service does. */
async function migrateTemplate(rootDir: string, connectionString: string): Promise<void> {
  const program = `
    import { prepareDatabase } from './dist/infra/migrations/start-database.js';
    const logger = { info: () => undefined, warn: () => undefined };
    const stopping = new AbortController().signal;
    await prepareDatabase({ connectionString: process.argv[1], setting: 'TEST_DATABASE_URL', logger, stopping });`;
  await run(process.execPath, ['--input-type=module', '--eval', program, connectionString], { cwd: rootDir });
}

/** Drops the template, and the databases of tests that were interrupted, together with their connections. */
async function dropClones(url: string, template: string): Promise<void> {
  const rows = await administer<{ datname: string }>(
    url,
    `select datname from pg_database where datname like '${template}%'`,
  );
  for (const { datname } of rows) await administer(url, `drop database if exists ${datname} with (force)`);
}

async function administer<Row extends pg.QueryResultRow>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

export { setUp as default };
