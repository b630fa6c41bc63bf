/**
 * The user that PostgreSQL runs as. It refuses to run as root, so it then runs as the system user `postgres`,
 * which is created if it does not exist. Initialising the data needs a user with a name, which the arbitrary
 * user id of a container platform does not have.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Account {
  readonly uid: number;
  readonly gid: number;
  /**
   * Whether that user cannot enter a folder above the binaries or the data (`/root`, or a temporary folder of
   * mode 0700). The server then keeps the capability to enter it, so that the permissions of folders need not
   * be changed.
   */
  readonly passClosedFolders: boolean;
}

/** The account that runs the server, or undefined if this process does not run as root. */
export async function postgresAccount(paths: readonly string[]): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const ids = (await lookUp()) ?? (await create());
  const closed = await Promise.all(paths.map(isClosed));
  return { ...ids, passClosedFolders: closed.includes(true) };
}

/** The command and arguments that run `command` as the account; unchanged without an account. */
export function withAccount(
  account: Account | undefined,
  command: string,
  args: readonly string[],
): [command: string, args: string[]] {
  if (!account) return [command, [...args]];
  const capability = account.passClosedFolders
    ? ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
    : [];
  const ids = [`--reuid=${String(account.uid)}`, `--regid=${String(account.gid)}`, '--clear-groups'];
  return ['setpriv', [...ids, ...capability, '--', command, ...args]];
}

/** Whether this user has no entry in the system's user list. */
export function needsBorrowedName(): boolean {
  try {
    userInfo();
    return false;
  } catch {
    return true;
  }
}

/**
 * Runs `command` in a user namespace that maps this user's id to one with a name. Its files still belong to
 * this user.
 */
export function withBorrowedName(
  command: string,
  args: readonly string[],
): [command: string, args: string[]] {
  const ids = [`--map-user=${namedId('/etc/passwd')}`, `--map-group=${namedId('/etc/group')}`];
  return ['unshare', ['--user', ...ids, '--', command, ...args]];
}

/** The first id other than root's, which is the third field in both files. */
function namedId(file: string): string {
  const ids = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':')[2]);
  return ids.find((id) => id !== undefined && Number(id) > 0) ?? '65534';
}

async function lookUp(): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout.trim())),
    );
    return uid !== undefined && gid !== undefined ? { uid, gid } : undefined;
  } catch {
    return undefined;
  }
}

async function create(): Promise<{ uid: number; gid: number }> {
  await run('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    'postgres',
  ]);
  const created = await lookUp();
  if (!created)
    throw new Error(
      'the system user "postgres" could not be created; set DATABASE_URL, or do not run as root',
    );
  return created;
}

/** Whether this folder or one above it cannot be entered by all users. */
async function isClosed(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  if ((mode & 0o001) === 0) return true;
  const parent = dirname(path);
  return parent !== path && isClosed(parent);
}
