/** A PostgreSQL of the system with its tools, which the embedded one lacks. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe } from '@jest/globals';
import pg from 'pg';

import { freePort } from '../../src/infra/net/free-port.js';
import { postgresAccount, withAccount } from '../../src/infra/postgres/embedded/account.js';
import { until } from './until.js';

const run = promisify(execFile);

const folder = findTools();
const isRequired = process.env['CI'] !== undefined || process.env['INLET_POSTGRES_REQUIRED'] === '1';

/** The folder of Debian's newest version, or the one that `INLET_POSTGRES` names. */
function findTools(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    process.env['INLET_POSTGRES'] ?? '',
    ...versions.map((version) => join(debian, version, 'bin')),
  ].find((place) =>
    ['postgres', 'initdb', 'pg_dump', 'pg_restore'].every((tool) => existsSync(join(place, tool))),
  );
}

/**
 * Tests that need it. Without it they are skipped with a message, or fail if the environment requires it.
 */
export function describeWithPostgres(name: string, tests: () => void): void {
  if (folder === undefined && isRequired)
    throw new Error('there is no PostgreSQL with pg_dump, and INLET_POSTGRES_REQUIRED or CI is set');
  if (folder === undefined)
    process.stdout.write(
      `SKIPPED, no PostgreSQL with pg_dump is installed (or set INLET_POSTGRES): ${name}\n`,
    );
  (folder === undefined ? describe.skip : describe)(name, tests);
}

export interface SystemPostgres {
  /** Creates an empty database and returns its URL. */
  readonly create: (name: string) => Promise<string>;
  /** Runs `pg_dump` or `pg_restore`. */
  readonly tool: (name: 'pg_dump' | 'pg_restore', ...args: string[]) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export async function startSystemPostgres(): Promise<SystemPostgres> {
  const tool = (name: string): string => join(folder ?? '', name);
  const place = await mkdtemp(join(tmpdir(), 'inlet-system-postgres-'));
  const account = await postgresAccount([folder ?? '', place]);
  if (account) await run('chown', [`${String(account.uid)}:${String(account.gid)}`, place]);
  const data = join(place, 'data');
  const port = String(await freePort());
  await run(...withAccount(account, tool('initdb'), ['-D', data, '-U', 'inlet', '-A', 'trust', '--no-sync']));
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'];
  const [command, args] = withAccount(account, tool('postgres'), [
    '-D',
    data,
    '-p',
    port,
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  const server = spawn(command, args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('close', resolve));
  const address = (name: string): string => `postgresql://inlet@127.0.0.1:${port}/${name}`;
  const ask = async (text: string): Promise<true> => {
    const client = new pg.Client({ connectionString: address('postgres') });
    await client.connect();
    await client.query(text).finally(() => client.end());
    return true;
  };
  await until(() => ask('select 1').catch(() => undefined), 90_000);
  return {
    create: async (name) => {
      await ask(`create database ${name}`);
      return address(name);
    },
    tool: async (name, ...args) => {
      await run(tool(name), args);
    },
    remove: async () => {
      server.kill('SIGINT');
      await ended;
      await rm(place, { recursive: true, force: true });
    },
  };
}
