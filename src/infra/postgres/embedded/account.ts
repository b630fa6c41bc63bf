/**
 * The user that PostgreSQL runs as. It refuses to run as root: as root we run it as the system user `postgres`, made when there is none.
 * Making its data needs a user with a name, which an id that a container platform has chosen does not have.
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
   * Whether a folder on the way to the binaries or the data is closed to that user (`/root`, or a temporary folder of mode 0700).
   * The server then keeps the one capability that lets it pass, instead of our opening somebody's folders.
   */
  readonly passClosedFolders: boolean;
}

/** The account to run the server with, or undefined when we are not root. */
export async function postgresAccount(paths: readonly string[]): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const ids = (await lookUp()) ?? (await create());
  const closed = await Promise.all(paths.map(isClosed));
  return { ...ids, passClosedFolders: closed.includes(true) };
}

/** Command and arguments that run `command` as the account; unchanged without one. */
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

/** Whether this user has no entry in the list of users. */
export function needsBorrowedName(): boolean {
  try {
    userInfo();
    return false;
  } catch {
    return true;
  }
}

/** Runs `command` in a user namespace where this user's id stands for one with a name. Its files belong to this user all the same. */
export function withBorrowedName(
  command: string,
  args: readonly string[],
): [command: string, args: string[]] {
  const ids = [`--map-user=${namedId('/etc/passwd')}`, `--map-group=${namedId('/etc/group')}`];
  return ['unshare', ['--user', ...ids, '--', command, ...args]];
}

/** Of anybody but root: in both files it is the third field. */
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
  const made = await lookUp();
  if (!made)
    throw new Error('the system user "postgres" could not be made; set DATABASE_URL, or do not run as root');
  return made;
}

/** Whether a folder from here up to the root cannot be entered by everybody. */
async function isClosed(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  if ((mode & 0o001) === 0) return true;
  const parent = dirname(path);
  return parent !== path && isClosed(parent);
}
