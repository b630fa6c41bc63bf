/** Prepares the database at the start: waits for it, checks whether it can be used, and migrates it. */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import type { Logger } from '../logging/logger.js';
import { connectionsPerProcess, newSession } from '../postgres/database.js';
import { codeOf, isDatabaseFailure } from '../postgres/errors.js';
import { areSessionsShared } from '../postgres/pooler.js';
import { raceSignal } from '../process/deadline.js';
import { migrate, MigrationError } from './migrate.js';

/** The message is one sentence that begins with the name of the setting and reveals nothing of its value. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError';
}

export interface StartOptions {
  readonly connectionString: string;
  /** The setting by which the operator knows the database. */
  readonly setting: string;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Aborted at shutdown: nothing new is started, and running work is rolled back. */
  readonly stopping: AbortSignal;
}

/** How long the start waits for an unavailable database. */
const waitTimeoutMs = 60_000;
const retryMs = 500;
export const connectTimeoutMs = 5_000;

/** Resolves when the database is available and usable, without migrating it. */
export async function waitForDatabase(options: StartOptions): Promise<void> {
  await retryWhileDown(options, async () => {
    const session = newSession(options.connectionString, connectTimeoutMs);
    try {
      await session.connect();
      await refuseUnusable(session);
    } finally {
      await session.end().catch(() => undefined);
    }
  });
}

/** Resolves when the database is available and up to date. */
export async function prepareDatabase(options: StartOptions): Promise<void> {
  await retryWhileDown(options, () => prepareOnce(options));
}

/**
 * Repeats `attempt` for a minute while the database is unavailable. Rejects with a sentence that says why the
 * database cannot be used, or at once during a shutdown.
 */
export async function retryWhileDown(
  options: Omit<StartOptions, 'connectionString'>,
  attempt: () => Promise<void>,
): Promise<void> {
  const { setting, logger, stopping } = options;
  let downSince: number | undefined;
  for (;;) {
    stopping.throwIfAborted();
    try {
      // A connection that is closed while it opens may never report that.
      await raceSignal(attempt(), stopping);
      if (downSince !== undefined) logger.info('the database is available');
      return;
    } catch (error) {
      stopping.throwIfAborted();
      const now = performance.now();
      const reason = explain(error);
      const sentence = inOneSentence(setting, error);
      if (!isTransient(error)) throw sentence;
      if (downSince === undefined)
        logger.warn({ reason }, 'the database is unavailable: waiting for up to a minute');
      downSince ??= now;
      if (now - downSince > waitTimeoutMs) throw sentence;
      await delay(retryMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}

/**
 * An error that says in one sentence why the database cannot be used; the given error if the reason is
 * unknown.
 */
export function inOneSentence(setting: string, error: unknown): unknown {
  const reason = explain(error);
  return reason === undefined ? error : new DatabaseStartError(`${setting}: ${reason}`, { cause: error });
}

async function prepareOnce({ connectionString, logger, stopping }: StartOptions): Promise<void> {
  const session = newSession(connectionString, connectTimeoutMs);
  const other = newSession(connectionString, connectTimeoutMs);
  const closeSessions = (): void => {
    for (const each of [session, other]) void each.end().catch(() => undefined);
  };
  stopping.addEventListener('abort', closeSessions);
  try {
    await connectBoth(session, other);
    await other.end();
    await migrate(session, { connectionString, logger });
  } finally {
    stopping.removeEventListener('abort', closeSessions);
    closeSessions();
  }
}

/**
 * Rejects when the database cannot be used as it is, or a pooler gives sessions the connections of others.
 */
export async function connectBoth(session: pg.Client, other: pg.Client): Promise<void> {
  await session.connect();
  await refuseUnusable(session);
  await other.connect();
  if (await areSessionsShared(session, other)) throw new DatabasePoolerError();
}

class DatabasePoolerError extends Error {
  override readonly name = 'DatabasePoolerError';
}

interface ServerFacts {
  readonly version: number;
  readonly schema: string | null;
  readonly encoding: string;
  readonly isReadOnly: boolean;
}

/** The error that PostgreSQL would return for the first write, which may be a webhook. */
class ReadOnlyError extends Error {
  override readonly name = 'ReadOnlyError';
  readonly code = '25006';
}

async function refuseUnusable(session: pg.Client): Promise<void> {
  const query = {
    text: `select current_setting('server_version_num')::int as version, current_schema() as schema,
             current_setting('server_encoding') as encoding,
             current_setting('transaction_read_only')::bool as "isReadOnly"`,
    query_timeout: connectTimeoutMs,
  };
  const { rows } = await session.query<ServerFacts>(query);
  const [found] = rows;
  if (found === undefined) throw new MigrationError('the server returned no result');
  const { version, schema, encoding, isReadOnly } = found;
  if (version < 140_000)
    throw new MigrationError(
      `PostgreSQL 14 or newer is required; this server is ${String(version / 10_000)}`,
    );
  // SQL_ASCII accepts every byte; all other encodings lack characters that occur in messages.
  if (encoding !== 'UTF8' && encoding !== 'SQL_ASCII')
    throw new MigrationError(`a database with the encoding UTF8 is required; this one has ${encoding}`);
  if (schema === null) throw new MigrationError('the search_path of its user contains no existing schema');
  if (isReadOnly) throw new ReadOnlyError();
}

/**
 * Problems that do not disappear within a minute: rights, names, passwords, unknown features, damage, and
 * limits that were set on purpose.
 */
const permanentStates = /^(0A|28|3D|3F|42|P0)|^(57014|53100|25001|58P01|XX001|XX002)$/;
/** PgBouncer uses one code for everything that it refuses. */
const permanentMessages =
  /authentication failed|no such user|no such database|does not exist|startup parameter/i;
const tlsErrors = /^(CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|EPROTO$)/;

function isTransient(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  const message = error instanceof Error ? error.message : '';
  return (
    isDatabaseFailure(error) &&
    !permanentStates.test(code) &&
    !permanentMessages.test(message) &&
    !tlsErrors.test(code)
  );
}

interface Reason {
  readonly codes: RegExp;
  /** Quotes nothing of the setting. */
  readonly sentence: string;
  /** Whether the server's message follows, because it names the object. */
  readonly quotes?: boolean;
}

const documentation = 'see "The database" in docs/operations.md';

/** The first match is used. */
const reasons: readonly Reason[] = [
  { codes: /^28P01$/, sentence: 'the server refuses the user or the password' },
  {
    codes: /^28000$/,
    sentence: 'the server does not allow this user from this host, or only with TLS (see its pg_hba.conf)',
  },
  { codes: /^3D000$/, sentence: 'the server has no database of this name' },
  { codes: /^42501$/, sentence: `its user lacks a right, ${documentation}`, quotes: true },
  {
    codes: /^(42P06|42P07|42701|42703|42710)$/,
    sentence: 'another program uses this database: give Inlet a database of its own',
    quotes: true,
  },
  {
    codes: /^53300$/,
    sentence: `the server has no free connection; each process needs ${String(connectionsPerProcess)}`,
  },
  { codes: /^53100$/, sentence: 'the disk of the server is full' },
  {
    codes: /^57014$/,
    sentence: 'the server cancelled a statement: the statement_timeout of its user may be too short',
  },
  { codes: /^57P0[1-3]$/, sentence: 'the server is starting or stopping' },
  {
    codes: /^25006$/,
    sentence: 'the server is read-only for this user; a standby must be promoted first',
  },
  { codes: /^XX00[12]$/, sentence: 'the data of the server is damaged: restore a backup', quotes: true },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    sentence: `the certificate of the server is for another host: use the host name of the certificate, or ${documentation}`,
  },
  { codes: /^CERT_HAS_EXPIRED$/, sentence: 'the certificate of the server has expired' },
  {
    codes: /^(EPROTO|ERR_SSL_\w+)$/,
    sentence: 'the TLS handshake with the server failed: check its TLS settings, or the proxy in front of it',
  },
  {
    codes: tlsErrors,
    sentence: `the certificate of the server is not trusted: specify the authority that signed it with sslrootcert=FILE, or ${documentation}`,
  },
  { codes: /^(ENOTFOUND|EAI_\w+)$/, sentence: 'its host name cannot be resolved' },
  { codes: /^(ECONNRESET|EPIPE)$/, sentence: 'the program at its host and port closes the connection' },
  { codes: /^ENOENT$/, sentence: 'its folder contains no socket of a server' },
  { codes: /^(E[A-Z]+)$/, sentence: 'no server listens at its host and port' },
];

function explain(error: unknown): string | undefined {
  if (error instanceof MigrationError) return error.message;
  if (error instanceof DatabasePoolerError) {
    return (
      'points to a pooler in transaction or statement mode, in which sessions share connections: use the server itself, or a pooler ' +
      `in session mode with at least ${String(connectionsPerProcess)} connections for each process (PgBouncer: pool_mode=session)`
    );
  }
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  const message = error.message.split('\n')[0] ?? '';
  const words = code === undefined || code === '08P01' ? explainMessage(message) : undefined;
  return words ?? explainCode(code, message);
}

function explainCode(code: string | undefined, message: string): string | undefined {
  if (code === undefined) return undefined;
  if (message.includes('extension "pg_trgm"') && code !== '42501')
    return `the server lacks the extension pg_trgm, one of the contrib modules of PostgreSQL: install them on the server (${code})`;
  const { sentence = message, quotes = false } = reasons.find(({ codes }) => codes.test(code)) ?? {};
  return `${sentence}${quotes ? `: ${message}` : ''} (${code})`;
}

/** Explains messages of the driver, which have no codes, and of PgBouncer, which has a single one. */
function explainMessage(message: string): string | undefined {
  if (/does not support SSL/i.test(message)) return 'the server does not support TLS, which sslmode requires';
  if (/must be a string|empty password/i.test(message))
    return 'the server requires a password, and none is set';
  if (/SASL|password|no such user/i.test(message)) return 'the user or the password is refused';
  if (/no such database|does not exist/i.test(message)) return 'the server has no database of this name';
  if (/invalid response|establishing an SSL connection|unexpected message/i.test(message))
    return 'the program at its host and port is not PostgreSQL';
  if (/timeout|terminated/i.test(message))
    return 'the server does not respond in time, or closes the connection';
  return undefined;
}
