/** PostgreSQL refuses to run as root. As root we run it as the system user `postgres`, made when there is none. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
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
