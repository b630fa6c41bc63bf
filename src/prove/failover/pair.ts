/** A PostgreSQL with a standby, and one address in front of both. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort } from '../../infra/net/free-port.js';
import { eventually } from '../eventually.js';
import { serverAt, startPostgres, type PostgresServer } from '../postgres-server.js';
import { startRelay } from './relay.js';

export interface Pair {
  /** Leads to the primary, and after the promotion to the former standby. */
  readonly connectionString: string;
  /** Disconnects the standby from the primary. */
  readonly leaveBehind: () => void;
  /** Disconnects the primary; the standby takes its place. */
  readonly promote: () => Promise<void>;
  readonly standby: Pick<PostgresServer, 'connectionString' | 'query'>;
  readonly close: () => Promise<void>;
}

const run = promisify(execFile);
const timeoutMs = 60_000;

/** With `isSynchronous`, the primary acknowledges only what the standby has, too. */
export async function openPair(isSynchronous: boolean): Promise<Pair> {
  const primary = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'inlet-standby-'));
  const settings = await primary.query<{ data_directory: string }>('show data_directory');
  const data = settings[0]?.data_directory ?? '';
  const { port, username, password } = new URL(primary.connectionString);
  const link = await startRelay(Number(port));
  const front = await startRelay(Number(port));

  // A copy of a stopped server is consistent.
  await primary.stop();
  const copy = join(folder, 'data');
  await run('cp', ['-a', data, copy]);
  await run('chown', ['--reference', data, folder]);
  await writeFile(join(copy, 'standby.signal'), '');
  await appendFile(
    join(copy, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${String(link.port)} user=${username} password=${password}'\n`,
  );
  await primary.start();
  const standby = serverAt({ data: copy, connectionString: withPort(primary, await freePort()), like: data });
  await standby.start();
  const follows = `select from pg_stat_replication where state = 'streaming'`;
  await eventually(async () => (await primary.query(follows)).length > 0, timeoutMs);
  if (isSynchronous) {
    await primary.query(`alter system set synchronous_standby_names = '*'`);
    await primary.query('select pg_reload_conf()');
    const isSync = `select from pg_stat_replication where sync_state = 'sync'`;
    await eventually(async () => (await primary.query(isSync)).length > 0, timeoutMs);
  }

  return {
    standby,
    connectionString: withPort(primary, front.port),
    leaveBehind: () => {
      link.pointTo(undefined);
    },
    promote: async () => {
      front.pointTo(undefined);
      await standby.query('select pg_promote(true, 60)');
      front.pointTo(Number(new URL(standby.connectionString).port));
    },
    close: async () => {
      front.close();
      link.close();
      await standby.stop().catch(() => undefined); // It may not have been started.
      await primary.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function withPort({ connectionString }: Pick<PostgresServer, 'connectionString'>, port: number): string {
  return Object.assign(new URL(connectionString), { port: String(port) }).href;
}
