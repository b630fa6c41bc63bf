/** A running PostgreSQL: launched on a data directory, waited for, asked, and ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { withAccount } from './account.js';
import { EmbeddedPostgresError, serverEnvironment, type Cluster } from './cluster.js';

/** PostgreSQL's "fast" shutdown: connections are ended, what was committed stays. */
const fastShutdown = 'SIGINT';
const connectMs = 2_000;
const lookAgainMs = 25;
/** For a server that does not say that it is starting. */
const startMs = 60_000;
/** For one that says so: after a crash it may have much to go through. */
const recoverMs = 600_000;

/** A server that this process has launched. */
export interface Launched {
  readonly child: ChildProcess;
  /** Where its lines begin in the log of the server. */
  readonly logBegin: number;
  /** How it ended, if it has. */
  readonly end: () => string | undefined;
  /** Resolves when it is gone. */
  readonly shutDown: () => Promise<void>;
}

/** Resolves at once. The server holds the lock of the data from then on. */
export function launch(cluster: Cluster, options: readonly string[]): Launched {
  const log = openSync(logOf(cluster), 'a', 0o600);
  const logBegin = fstatSync(log).size;
  const settings = [
    // Compiling the statement of a webhook costs more than running it.
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
  // Detached: a Ctrl-C at the terminal must reach Inlet first, which drains and then stops the server.
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
    logBegin,
    end: () => end,
    shutDown: async () => {
      child.ref();
      child.kill(fastShutdown);
      await ended;
    },
  };
}

export interface Asking {
  readonly connection: pg.ClientConfig;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined;
}

/** Resolves when the server answers. It is ended when it does not, and when this process ends before it does. */
export async function untilItAnswers(cluster: Cluster, launched: Launched, asking: Asking): Promise<void> {
  const endWithUs = (): void => void launched.child.kill(fastShutdown);
  process.once('exit', endWithUs);
  try {
    await waitForAnswer(cluster, launched, asking);
  } catch (error) {
    launched.child.kill('SIGQUIT'); // At once: it has done nothing for anybody yet.
    await launched.shutDown();
    throw error;
  } finally {
    process.off('exit', endWithUs);
  }
}

async function waitForAnswer(
  cluster: Cluster,
  launched: Launched,
  { connection, signal }: Asking,
): Promise<void> {
  const began = Date.now();
  for (;;) {
    const problem = await tryOut(connection);
    if (problem === undefined) return;
    signal?.throwIfAborted();
    if (wrongPassword.has(problem.code)) throw new WrongPasswordError(cluster.data, problem.code);
    if (isLasting(problem))
      throw new EmbeddedPostgresError(
        `INLET_DIR: the embedded PostgreSQL cannot use its data in ${cluster.data} (${problem.code}: ${problem.message}): ${remedy}`,
      );
    const waited = Date.now() - began;
    if (launched.end() !== undefined || waited > (problem.code === isStarting ? recoverMs : startMs))
      throw new EmbeddedPostgresError(
        `INLET_DIR: the embedded PostgreSQL with the data in ${cluster.data} did not start (${launched.end() ?? 'no answer'}; ` +
          `${await complaints(cluster, launched)}): look at ${logOf(cluster)}, and ${remedy}`,
      );
    await delay(lookAgainMs);
  }
}

const remedy = 'restore a backup when the data are damaged';

/** The data knows another password than the one that was to be used. */
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

/** Whether the server has answered, and will go on answering this: not that it starts or ends, or has no connection left. */
function isLasting({ code }: Problem): boolean {
  return /^(?!08|53|57)[0-9A-DF-Z][0-9A-Z]{4}$/.test(code);
}

/** What went wrong; undefined: it answers. */
async function tryOut(connection: pg.ClientConfig): Promise<Problem | undefined> {
  try {
    await withClient(connection, (client) => client.query('select 1'));
    return undefined;
  } catch (error) {
    const { code = 'unknown', message = '' } = error as Partial<NodeJS.ErrnoException>;
    return { code, message };
  }
}

/** Runs `task` with a connection of its own. */
export async function withClient<T>(
  connection: pg.ClientConfig,
  task: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const limits = { connectionTimeoutMillis: connectMs, query_timeout: connectMs };
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
 * Whether the server that answers has this very directory: it sees a file that was made there a moment ago. Neither a path nor a process id
 * tells that: containers have their own, and a copy of the directory has the same.
 */
export async function serves(data: string, connection: pg.ClientConfig): Promise<boolean> {
  const name = `inlet-${randomUUID()}`;
  const file = join(data, name);
  try {
    return await withClient(connection, async (client) => {
      await writeFile(file, '', { flag: 'wx' }); // An empty one can be made on a full disk as well.
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
 * Has a server that was launched elsewhere shut itself down. It knows its own process id, which may mean another process here, or none:
 * in another container.
 */
export async function askToShutDown(connection: pg.ClientConfig): Promise<void> {
  const command = `kill -${fastShutdown.slice(3)} $(head -n 1 postmaster.pid)`;
  // It may be gone before it has answered.
  await withClient(connection, (client) => client.query(`copy (select 1) to program '${command}'`)).catch(
    () => undefined,
  );
}

/** From the lock file of PostgreSQL. Undefined: there is none, or none that is whole. */
export async function portOf(data: string): Promise<number | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const port = Number(lines[3]);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

function logOf({ data }: Cluster): string {
  return join(dirname(data), 'server.log');
}

/** What the server died of, or else its last lines. */
async function complaints(cluster: Cluster, { logBegin }: Launched): Promise<string> {
  const log = await readFile(logOf(cluster)).catch(() => Buffer.alloc(0));
  const lines = log
    .subarray(logBegin)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => line.replace(/^[-\d]+ [:.\d]+ \w+ \[\d+\] /, '').replace(/^(\w+): +/, '$1: '))
    .filter((line) => !answersTooEarly.test(line));
  const death = lines.findIndex((line) => /^(FATAL|PANIC|postgres):/.test(line));
  const told = death === -1 ? lines.slice(-3) : lines.slice(death).filter((line) => !line.startsWith('LOG:'));
  return told.slice(0, 3).join(' | ');
}

/** What the server tells those who ask whether it is there. */
const answersTooEarly = /the database system is (starting up|not yet accepting connections|shutting down)/;
