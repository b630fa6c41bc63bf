/**
 * The behaviour of a start whose database is unavailable, refuses it, is behind a pooler or takes long, and
 * of a shutdown during the start.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';

import { freePort } from '../../src/infra/net/free-port.js';
import { startPostgres, type PostgresServer } from '../../src/prove/postgres-server.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { canBeProcess1, type Program } from '../support/program.js';
import { describeWith } from '../support/programs.js';
import { until } from '../support/until.js';
import { launch, startService } from './service.js';

let cwd: string;
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
}, 180_000);
afterAll(() => postgres.remove());
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-start-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const settings = (databaseUrl: string): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  AUTH_SECRET: 'x'.repeat(32),
  LOG_LEVEL: 'info',
});
/** The URL of the server with a change. */
const changed = (change: Partial<URL>): string =>
  Object.assign(new URL(postgres.connectionString), change).href;

/** Ends the program like an orchestrator; it must end within ten seconds. */
async function end(program: Program): Promise<void> {
  const asked = performance.now();
  expect(await program.kill('SIGTERM')).toBe(0);
  expect(performance.now() - asked).toBeLessThan(10_000);
}

/** Whether a session of this database waits for a lock. */
async function isWaitedFor(database: string): Promise<boolean> {
  const waiting = `select from pg_locks join pg_database on pg_database.oid = database
    where not granted and datname = '${database}'`;
  return (await postgres.query(waiting)).length > 0;
}

test('an unavailable database is awaited, and the log reports it once, without its password', async () => {
  await postgres.stop();
  const { password } = new URL(postgres.connectionString);
  const port = String(await freePort());
  const program = launch(cwd, { ...settings(postgres.connectionString), PORT: port });
  await program.says(/"the database is unavailable: waiting for up to a minute"/);
  expect(program.output()).toContain('no server listens at its host and port (ECONNREFUSED)');
  const health = (path: string): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/health/${path}`).then(({ status }) => status);
  expect([await health('live'), await health('ready')]).toEqual([200, 503]);
  await postgres.start();
  await program.says(/"the database is available"[^]*Inlet is ready/);
  expect(program.output().split('the database is unavailable')).toHaveLength(2);
  expect(program.output()).not.toContain(password);
  await end(program);
}, 180_000);

test('a server that is not PostgreSQL is reported as such', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await until(() => server.listening);
  try {
    const port = String((server.address() as AddressInfo).port);
    const program = launch(cwd, settings(changed({ port })));
    await program.says(/"reason":"the server does not respond in time, or closes the connection"/);
    await end(program);
    const withTls = launch(cwd, settings(changed({ port, search: '?sslmode=no-verify' })));
    expect(await withTls.ended).toBe(1);
    expect(withTls.output()).toBe(
      'Inlet cannot start: DATABASE_URL: the program at its host and port is not PostgreSQL\n',
    );
  } finally {
    server.close();
  }
}, 180_000);

test('a read-only database is awaited, even if it is up to date', async () => {
  await end(await startService(cwd, settings(postgres.connectionString)));
  const readOnly = changed({ search: '?options=-c%20default_transaction_read_only%3Don' });
  const program = launch(cwd, settings(readOnly));
  await program.says(/"reason":"the server is read-only for this user; .* \(25006\)"/);
  await end(program);
  expect(program.output()).not.toContain('Inlet is ready');
}, 180_000);

test('a spool that cannot be written is reported', async () => {
  await mkdir(join(cwd, '.inlet'));
  await writeFile(join(cwd, '.inlet', 'spool'), '');
  const service = await startService(cwd, settings(postgres.connectionString));
  await service.says(
    /"reason":"EEXIST","msg":"INLET_DIR: the folder spool is not writable, so webhooks are refused while the database is unavailable"/,
  );
  await end(service);
}, 180_000);

test('a server with a Unix socket is awaited, too', async () => {
  const program = launch(cwd, settings(changed({ search: `?host=${cwd}` })));
  await program.says(/"reason":"its folder contains no socket of a server \(ENOENT\)"/);
  await end(program);
});

describe('SIGTERM ends a start', () => {
  test('while it creates the embedded PostgreSQL', async () => {
    const program = launch(cwd, { LOG_LEVEL: 'info' });
    await until(() => existsSync(join(cwd, '.inlet', 'postgres')), 90_000);
    await end(program);
    expect(program.output()).not.toContain('Inlet is ready');
  }, 180_000);

  test('while it waits for its database', async () => {
    const program = launch(cwd, settings(changed({ port: '1' })));
    await program.says(/the database is unavailable/);
    await end(program);
    expect(program.output()).not.toContain('Inlet is ready');
  }, 180_000);

  // The start waits when it needs the locked table.
  test.each([
    ['migrates', '_prisma_migrations'],
    ['reads its channels', 'channel'],
  ])(
    'while it %s, and the next start succeeds',
    async (_, table) => {
      const database = `locked_${table}`;
      await postgres.query(`create database ${database}`);
      const url = changed({ pathname: `/${database}` });
      await end(await startService(cwd, settings(url)));
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      try {
        await holder.query('begin');
        await holder.query(`lock table ${table}`);
        const program = launch(cwd, settings(url));
        await until(() => isWaitedFor(database), 90_000);
        await end(program);
        expect(program.output()).not.toContain('Inlet is ready');
        // The server cancels the statement of the start.
        await until(async () => !(await isWaitedFor(database)));
      } finally {
        await holder.end();
      }
      await end(await startService(cwd, settings(url)));
    },
    180_000,
  );
});

const asProcess1 = { asProcess1: true };
const isPossible = canBeProcess1();
if (!isPossible)
  process.stdout.write('SKIPPED, this system does not let us make a program process 1: as process 1\n');
(isPossible ? describe : describe.skip)('as process 1 of a container', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends a start that waits, and a service that is ready',
    async (signal) => {
      const waits = launch(cwd, settings(changed({ port: '1' })), asProcess1);
      const ready = launch(cwd, settings(postgres.connectionString), asProcess1);
      await Promise.all([waits.says(/the database is unavailable/), ready.says(/Inlet is ready/)]);
      expect(await Promise.all([waits.kill(signal), ready.kill(signal)])).toEqual([0, 0]);
    },
    180_000,
  );
});

test('an unusable database is reported in one sentence', async () => {
  const encoded = 'latin';
  await postgres.query(
    `create database ${encoded} template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`,
  );
  await postgres.query('create database shared');
  const shared = changed({ pathname: '/shared' });
  const other = new pg.Client({ connectionString: shared });
  await other.connect();
  await other.query('create table media (id int)');
  await other.end();
  const cases: readonly (readonly [string, string])[] = [
    [
      shared,
      'another program uses this database: give Inlet a database of its own: relation "media" already exists (42P07)',
    ],
    [changed({ password: 'wrong' }), 'the server refuses the user or the password (28P01)'],
    [changed({ password: '' }), 'the server requires a password, and none is set'],
    [changed({ username: 'stranger' }), 'the server refuses the user or the password (28P01)'],
    [changed({ pathname: '/nowhere' }), 'the server has no database of this name (3D000)'],
    [changed({ search: '?sslmode=require' }), 'the server does not support TLS, which sslmode requires'],
    [
      changed({ search: '?options=-c%20search_path%3Dnowhere' }),
      'the search_path of its user contains no existing schema',
    ],
    [
      changed({ pathname: `/${encoded}` }),
      'a database with the encoding UTF8 is required; this one has LATIN1',
    ],
  ];
  const programs = cases.map(([url]) => launch(cwd, { ...settings(url), LOG_LEVEL: 'warn' }));
  const seen = await Promise.all(
    programs.map(async (program) => ({ status: await program.ended, output: program.output() })),
  );
  expect(seen).toEqual(
    cases.map(([, sentence]) => ({
      status: 1,
      output: `Inlet cannot start: DATABASE_URL: ${sentence}\n`,
    })),
  );
}, 180_000);

describeWith('pgbouncer', 'a pooler', (program) => {
  test.each(['transaction', 'statement'] as const)(
    'in %s mode is refused in one sentence',
    async (mode) => {
      const pooler = await startPgBouncer({ program, server: postgres.connectionString, mode, size: 20 });
      try {
        const refused = launch(cwd, settings(pooler.connectionString));
        expect(await refused.ended).toBe(1);
        expect(refused.output()).toMatch(
          /^Inlet cannot start: DATABASE_URL: points to a pooler in transaction or statement mode, .* session mode with at least 19 connections .*\n$/,
        );
      } finally {
        await pooler.stop();
      }
    },
    180_000,
  );

  test('in session mode works, even for two starts at the same time', async () => {
    const pooler = await startPgBouncer({
      program,
      server: postgres.connectionString,
      mode: 'session',
      size: 38,
    });
    try {
      const folders = [join(cwd, 'one'), join(cwd, 'other')];
      for (const folder of folders) await mkdir(folder);
      const services = await Promise.all(
        folders.map((folder) => startService(folder, settings(pooler.connectionString))),
      );
      await Promise.all(services.map(end));
    } finally {
      await pooler.stop();
    }
  }, 180_000);

  test('without a server is awaited until it has one', async () => {
    const pooler = await startPgBouncer({
      program,
      server: postgres.connectionString,
      mode: 'session',
      size: 20,
    });
    try {
      await postgres.stop();
      const waits = launch(cwd, settings(pooler.connectionString));
      await waits.says(/the database is unavailable/);
      await postgres.start();
      await waits.says(/"the database is available"[^]*Inlet is ready/);
      await end(waits);
    } finally {
      await pooler.stop();
    }
  }, 180_000);
});
