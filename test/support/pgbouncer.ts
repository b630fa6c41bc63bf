/** The PgBouncer of the system in front of a PostgreSQL. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import { freePort } from '../../src/infra/net/free-port.js';
import { postgresAccount, withAccount } from '../../src/infra/postgres/embedded/account.js';
import { until } from './until.js';

const run = promisify(execFile);

interface Pooling {
  /** The path of PgBouncer. */
  readonly program: string;
  /** The URL of the server, with its user and password. */
  readonly server: string;
  readonly mode: 'session' | 'transaction' | 'statement';
  /** The maximum of its connections to the server. */
  readonly size: number;
}

export interface PgBouncer {
  readonly connectionString: string;
  readonly stop: () => Promise<void>;
}

/** Starts PgBouncer; resolves when clients can use the server through it. */
export async function startPgBouncer({ program, server, mode, size }: Pooling): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-pgbouncer-'));
  const settingsFile = join(folder, 'pgbouncer.ini');
  const usersFile = join(folder, 'users');
  const { hostname, port, username, password } = new URL(server);
  const ownPort = String(await freePort());
  const settings = [
    '[databases]',
    `* = host=${hostname} port=${port}`,
    '[pgbouncer]',
    'listen_addr=127.0.0.1',
    `listen_port=${ownPort}`,
    'unix_socket_dir=',
    'auth_type=scram-sha-256',
    `auth_file=${usersFile}`,
    `pool_mode=${mode}`,
    `default_pool_size=${String(size)}`,
    // By default it waits for 15 seconds before it tries an unavailable server again.
    'server_login_retry=1',
  ];
  await writeFile(usersFile, `"${username}" "${password}"\n`);
  await writeFile(settingsFile, `${settings.join('\n')}\n`);
  // PgBouncer refuses to run as root.
  const account = await postgresAccount([dirname(program), folder]);
  if (account) await run('chown', ['-R', `${String(account.uid)}:${String(account.gid)}`, folder]);
  const [command, args] = withAccount(account, program, [settingsFile]);
  const child = spawn(command, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL'); // Some other signals wait for clients; which ones do depends on the version.
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const connectionString = Object.assign(new URL(server), { port: ownPort }).href;
  try {
    await until(() => answers(connectionString), 60_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { connectionString, stop };
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
