/** Launches a PostgreSQL server on a data directory, waits for it, queries it and shuts it down. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { withAccount } from './account.js';
import { EmbeddedPostgresError, serverEnvironment, type Cluster } from './cluster.js';

/** PostgreSQL's "fast" shutdown: connections are closed, committed data remains. */
const fastShutdown = 'SIGINT';
const connectTimeoutMs = 2_000;
const pollMs = 25;
/** The timeout for a server that does not report that it is starting. */
const startTimeoutMs = 60_000;
/** The timeout for a server that reports it: after a crash, recovery may take long. */
const recoveryTimeoutMs = 600_000;

/** A server that this process has launched. */
export interface Launched {
  readonly child: ChildProcess;
  /** The offset of its first line in the log of the server. */
  readonly logOffset: number;
  /** How it ended, or undefined while it runs. */
  readonly end: () => string | undefined;
  /** Resolves when it has ended. */
  readonly shutDown: () => Promise<void>;
}

/** Returns immediately. From then on, the server holds the lock of the data. */
export function launch(cluster: Cluster, options: readonly string[]): Launched {
  const log = openSync(logOf(cluster), 'a', 0o600);
  const logOffset = fstatSync(log).size;
  const settings = [
    // Compiling the statement of a webhook takes longer than running it.
    'jit=off',
    'max_connections=100',
    'shared_buffers=64MB',
    'log_min_messages=error',
    ...options,
  ];
  const [command, args] = withAccount(cluster.account, cluster.binaries.postgres, [
    '-D',
    cluster.data,
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  // Detached, because a Ctrl-C at the terminal must reach Inlet first, which drains and then stops the
  // server.
  const child = spawn(command, args, {
    stdio: ['ignore', log, log, cluster.lock ?? 'ignore'],
    detached: true,
    env: serverEnvironment(),
  });
  closeSync(log);
  let end: string | undefined;
  const ended = new Promise<void>((done) => {
    const settle = (how: string): void => {
      end ??= how;
      done();
    };
    child.once('error', (error) => {
      settle(error.message);
    });
    child.once('exit', (code, signal) => {
      settle(`exit ${String(code ?? signal)}`);
    });
  });
  child.unref();
  return {
    child,
    logOffset,
    end: () => end,
    shutDown: async () => {
      child.ref();
      child.kill(fastShutdown);
      await ended;
    },
  };
}

export interface ConnectOptions {
  readonly connection: pg.ClientConfig;
  /** Aborted when the answer is no longer needed. */
  readonly signal: AbortSignal | undefined;
}

/** Resolves when the server answers. It is ended if it does not answer, or if this process ends earlier. */
export async function waitUntilReady(
  cluster: Cluster,
  launched: Launched,
  options: ConnectOptions,
): Promise<void> {
  const endWithProcess = (): void => void launched.child.kill(fastShutdown);
  process.once('exit', endWithProcess);
  try {
    await waitForAnswer(cluster, launched, options);
  } catch (error) {
    launched.child.kill('SIGQUIT'); // Immediately, because it has not done any work yet.
    await launched.shutDown();
    throw error;
  } finally {
    process.off('exit', endWithProcess);
  }
}

async function waitForAnswer(
  cluster: Cluster,
  launched: Launched,
  { connection, signal }: ConnectOptions,
): Promise<void> {
  const began = Date.now();
  for (;;) {
    const problem = await probe(connection);
    if (problem === undefined) return;
    signal?.throwIfAborted();
    if (wrongPassword.has(problem.code)) throw new WrongPasswordError(cluster.data, problem.code);
    if (isPermanent(problem))
      throw new EmbeddedPostgresError(
        `INLET_DIR: the embedded PostgreSQL cannot use its data in ${cluster.data} (${problem.code}: ${problem.message}): ${remedy}`,
      );
    const waited = Date.now() - began;
    if (
      launched.end() !== undefined ||
      waited > (problem.code === isStarting ? recoveryTimeoutMs : startTimeoutMs)
    )
      throw new EmbeddedPostgresError(
        `INLET_DIR: the embedded PostgreSQL with the data in ${cluster.data} did not start (${launched.end() ?? 'no answer'}; ` +
          `${await lastMessages(cluster, launched)}): look at ${logOf(cluster)}, and ${remedy}`,
      );
    await delay(pollMs);
  }
}

const remedy = 'restore a backup when the data are damaged';

/** The password of the data differs from the expected one. */
export class WrongPasswordError extends EmbeddedPostgresError {
  constructor(data: string, sqlState: string) {
    super(
      `INLET_DIR: the embedded PostgreSQL does not let Inlet in (SQLSTATE ${sqlState}): look at ${join(data, 'pg_hba.conf')}`,
    );
  }
}

/** SQLSTATE: cannot_connect_now. */
const isStarting = '57P03';
/** SQLSTATE: invalid_password, invalid_authorization_specification. */
const wrongPassword: ReadonlySet<string> = new Set(['28P01', '28000']);

interface Problem {
  readonly code: string;
  readonly message: string;
}

/**
 * Whether the server will repeat this answer; it does not while it starts or ends, or has no connection left.
 */
function isPermanent({ code }: Problem): boolean {
  return /^(?!08|53|57)[0-9A-DF-Z][0-9A-Z]{4}$/.test(code);
}

/** Resolves to the problem, or to undefined if the server answers. */
async function probe(connection: pg.ClientConfig): Promise<Problem | undefined> {
  try {
    await withClient(connection, (client) => client.query('select 1'));
    return undefined;
  } catch (error) {
    const { code = 'unknown', message = '' } = error as Partial<NodeJS.ErrnoException>;
    return { code, message };
  }
}

/** Runs `task` with a separate connection. */
export async function withClient<T>(
  connection: pg.ClientConfig,
  task: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const limits = { connectionTimeoutMillis: connectTimeoutMs, query_timeout: connectTimeoutMs };
  const client = new pg.Client({ application_name: 'inlet-probe', ...limits, ...connection });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await task(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Whether the server that answers uses this directory: it sees a file that was just created there. Neither a
 * path nor a process id proves that, because containers have their own, and a copy of the directory has the
 * same.
 */
export async function serves(data: string, connection: pg.ClientConfig): Promise<boolean> {
  const name = `inlet-${randomUUID()}`;
  const file = join(data, name);
  try {
    return await withClient(connection, async (client) => {
      await writeFile(file, '', { flag: 'wx' }); // An empty file can be created on a full disk as well.
      const { rows } = await client.query<{ found: boolean }>(
        'select (pg_stat_file($1, true)).size is not null as found',
        [name],
      );
      return rows[0]?.found === true;
    });
  } catch {
    return false;
  } finally {
    await rm(file, { force: true });
  }
}

/**
 * Makes a server that another process launched shut itself down. In another container, its process id may
 * belong to another process here, but the server knows its own.
 */
export async function requestShutDown(connection: pg.ClientConfig): Promise<void> {
  const command = `kill -${fastShutdown.slice(3)} $(head -n 1 postmaster.pid)`;
  // It may end before it answers.
  await withClient(connection, (client) => client.query(`copy (select 1) to program '${command}'`)).catch(
    () => undefined,
  );
}

/** The port in the lock file of PostgreSQL; undefined if the file does not exist or is incomplete. */
export async function portOf(data: string): Promise<number | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const port = Number(lines[3]);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

function logOf({ data }: Cluster): string {
  return join(dirname(data), 'server.log');
}

/** The reason why the server ended, or its last lines. */
async function lastMessages(cluster: Cluster, { logOffset }: Launched): Promise<string> {
  const log = await readFile(logOf(cluster)).catch(() => Buffer.alloc(0));
  const lines = log
    .subarray(logOffset)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => line.replace(/^[-\d]+ [:.\d]+ \w+ \[\d+\] /, '').replace(/^(\w+): +/, '$1: '))
    .filter((line) => !notReadyMessages.test(line));
  const death = lines.findIndex((line) => /^(FATAL|PANIC|postgres):/.test(line));
  const messages =
    death === -1 ? lines.slice(-3) : lines.slice(death).filter((line) => !line.startsWith('LOG:'));
  return messages.slice(0, 3).join(' | ');
}

/** The answers to connections while the server is not ready. */
const notReadyMessages = /the database system is (starting up|not yet accepting connections|shutting down)/;
