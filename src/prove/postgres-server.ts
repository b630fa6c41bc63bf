/** A separate PostgreSQL at a fixed address, which can be stopped, suspended and started again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import pg from 'pg';

import { postgresAccount, withAccount } from '../infra/postgres/embedded/account.js';
import { startEmbeddedPostgres } from '../infra/postgres/embedded/server.js';
import { sendSignal } from '../infra/process/signals.js';
import { eventually } from './eventually.js';

export interface PostgresServer {
  readonly connectionString: string;
  readonly query: <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>;
  /** Ends every connection and the server; its address is then unused. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Suspends all its processes, while its connections stay open (Linux only). */
  readonly halt: () => void;
  readonly resume: () => void;
  readonly remove: () => Promise<void>;
}

/** Long enough for a start with recovery, and for a shutdown with its checkpoint. */
const startMs = 60_000;

export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-test-server-'));
  const { connectionString } = await startEmbeddedPostgres(folder);
  const data = join(folder, 'data');
  const server = serverAt({ data, connectionString, like: data });
  return {
    ...server,
    remove: async () => {
      await server.stop().catch(() => undefined); // It may have been stopped already.
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly data: string;
  readonly connectionString: string;
  /** The data of a running server, whose program is used. */
  readonly like: string;
}

/** The server of a data folder, at its current or future address. */
export function serverAt({ data, connectionString, like }: Place): Omit<PostgresServer, 'remove'> {
  const linesOf = (folder: string): string[] =>
    readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n');
  const lines = (): string[] => linesOf(data);
  const command =
    /^[^\0]+/.exec(readFileSync(`/proc/${String(linesOf(like)[0])}/cmdline`, 'utf8'))?.[0] ?? '';
  const { port } = new URL(connectionString);

  const query = async <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> => {
    const client = new pg.Client({ connectionString, application_name: 'inlet-test' });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const signalAll = (signal: NodeJS.Signals): void => {
    const [server = ''] = lines();
    // First, so that a suspended server starts no process that is not in the list.
    sendSignal(Number(server), signal);
    const others = readFileSync(`/proc/${server}/task/${server}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    // A process of the server may have ended since the list was read.
    for (const pid of others) sendSignal(Number(pid), signal);
  };
  const stop = async (): Promise<void> => {
    const pid = Number(lines()[0]);
    sendSignal(pid, 'SIGINT');
    await eventually(() => !isAlive(pid), startMs);
  };

  return {
    connectionString,
    query,
    stop,
    start: async () => {
      const account = await postgresAccount([dirname(command), dirname(data)]);
      const options = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
      const [program, args] = withAccount(account, command, ['-D', data, '-p', port, ...options]);
      const child = spawn(program, args, { stdio: 'ignore', detached: true });
      await once(child, 'spawn');
      child.unref();
      await eventually(() => query('select 1').then(Boolean, () => false), startMs);
    },
    halt: () => {
      signalAll('SIGSTOP');
    },
    resume: () => {
      signalAll('SIGCONT');
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    // What has ended and was not waited for is not alive.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}
