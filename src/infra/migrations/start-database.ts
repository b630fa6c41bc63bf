/** What a start does with the database before anything else: wait for it, look whether it can be used, and migrate it. */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import type { Logger } from '../logging/logger.js';
import { connectionsPerProcess, newSession } from '../postgres/database.js';
import { codeOf, isDatabaseFailure } from '../postgres/errors.js';
import { areSessionsShared } from '../postgres/pooler.js';
import { raceSignal } from '../process/deadline.js';
import { migrate, MigrationError } from './migrate.js';

/** Thrown with one sentence that begins with the name of the setting, and says nothing of its value. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError';
}

export interface StartOptions {
  readonly connectionString: string;
  /** What the operator knows the database by. */
  readonly setting: string;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Aborted when the process is to end: nothing is begun any more, and what is under way is rolled back. */
  readonly stopping: AbortSignal;
}

/** How long a database that is away is waited for. */
const patienceMs = 60_000;
const againAfterMs = 500;
export const connectMs = 5_000;

/** Resolves when the database is there and can be used, as it is. */
export async function awaitDatabase(options: StartOptions): Promise<void> {
  await whenItAnswers(options, async () => {
    const session = newSession(options.connectionString, connectMs);
    try {
      await session.connect();
      await refuseUnusable(session);
    } finally {
      await session.end().catch(() => undefined);
    }
  });
}

/** Resolves when the database is there and up to date. */
export async function prepareDatabase(options: StartOptions): Promise<void> {
  await whenItAnswers(options, () => prepareOnce(options));
}

/**
 * Repeats `attempt` for a minute while the database is away. Rejects with the sentence that says why it cannot be used, or at once when
 * the process is to end.
 */
export async function whenItAnswers(
  options: Omit<StartOptions, 'connectionString'>,
  attempt: () => Promise<void>,
): Promise<void> {
  const { setting, logger, stopping } = options;
  let awaySince: number | undefined;
  for (;;) {
    stopping.throwIfAborted();
    try {
      // What is being made when its connection is closed may never say so.
      await raceSignal(attempt(), stopping);
      if (awaySince !== undefined) logger.info('the database is there');
      return;
    } catch (error) {
      stopping.throwIfAborted();
      const now = performance.now();
      const reason = sayWhy(error);
      const sentence = inOneSentence(setting, error);
      if (!mayPass(error)) throw sentence;
      if (awaySince === undefined)
        logger.warn({ reason }, 'the database is not there: waiting for up to a minute');
      awaySince ??= now;
      if (now - awaySince > patienceMs) throw sentence;
      await delay(againAfterMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}

/** An error that says in one sentence why the database cannot be used; the given one if nobody knows. */
export function inOneSentence(setting: string, error: unknown): unknown {
  const reason = sayWhy(error);
  return reason === undefined ? error : new DatabaseStartError(`${setting}: ${reason}`, { cause: error });
}

async function prepareOnce({ connectionString, logger, stopping }: StartOptions): Promise<void> {
  const session = newSession(connectionString, connectMs);
  const other = newSession(connectionString, connectMs);
  const breakOff = (): void => {
    for (const each of [session, other]) void each.end().catch(() => undefined);
  };
  stopping.addEventListener('abort', breakOff);
  try {
    await connectBoth(session, other);
    await other.end();
    await migrate(session, { connectionString, logger });
  } finally {
    stopping.removeEventListener('abort', breakOff);
    breakOff();
  }
}

/** Rejects when the database cannot be used as it is, or a pooler gives sessions the connections of others. */
export async function connectBoth(session: pg.Client, other: pg.Client): Promise<void> {
  await session.connect();
  await refuseUnusable(session);
  await other.connect();
  if (await areSessionsShared(session, other)) throw new DatabasePoolerError();
}

class DatabasePoolerError extends Error {
  override readonly name = 'DatabasePoolerError';
}

interface Found {
  readonly version: number;
  readonly schema: string | null;
  readonly encoding: string;
  readonly isReadOnly: boolean;
}

/** What PostgreSQL would say of the first statement that writes, which may be that of a webhook. */
class ReadOnlyError extends Error {
  override readonly name = 'ReadOnlyError';
  readonly code = '25006';
}

async function refuseUnusable(session: pg.Client): Promise<void> {
  const question = {
    text: `select current_setting('server_version_num')::int as version, current_schema() as schema,
             current_setting('server_encoding') as encoding,
             current_setting('transaction_read_only')::bool as "isReadOnly"`,
    query_timeout: connectMs,
  };
  const { rows } = await session.query<Found>(question);
  const [found] = rows;
  if (found === undefined) throw new MigrationError('the server answers nothing');
  const { version, schema, encoding, isReadOnly } = found;
  if (version < 140_000)
    throw new MigrationError(`PostgreSQL >= 14 is needed; this server is ${String(version / 10_000)}`);
  // SQL_ASCII takes every byte; all others lack characters that messages have.
  if (encoding !== 'UTF8' && encoding !== 'SQL_ASCII')
    throw new MigrationError(`a database with the encoding UTF8 is needed; this one has ${encoding}`);
  if (schema === null) throw new MigrationError('the search_path of its user names no schema that exists');
  if (isReadOnly) throw new ReadOnlyError();
}

/** What nobody changes within a minute by waiting: rights, names, passwords, unknown features, damage, and limits that were set on purpose. */
const lastingStates = /^(0A|28|3D|3F|42|P0)|^(57014|53100|25001|58P01|XX001|XX002)$/;
/** PgBouncer has one code for everything that it refuses by itself. */
const lastingWords = /authentication failed|no such user|no such database|does not exist|startup parameter/i;
const tlsTrouble = /^(CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|EPROTO$)/;

function mayPass(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  const message = error instanceof Error ? error.message : '';
  return (
    isDatabaseFailure(error) &&
    !lastingStates.test(code) &&
    !lastingWords.test(message) &&
    !tlsTrouble.test(code)
  );
}

interface Reason {
  readonly codes: RegExp;
  /** In words that quote nothing of the setting. */
  readonly sentence: string;
  /** Whether what the server has said follows, because it names the object. */
  readonly quotes?: boolean;
}

const chapter = 'see "The database" in docs/operations.md';

/** The first one that fits is said. */
const reasons: readonly Reason[] = [
  { codes: /^28P01$/, sentence: 'the server refuses the user or the password' },
  {
    codes: /^28000$/,
    sentence:
      'the server does not let this user in from here, or only with TLS (its pg_hba.conf says who may)',
  },
  { codes: /^3D000$/, sentence: 'the server has no database of this name' },
  { codes: /^42501$/, sentence: `its user lacks a right, ${chapter}`, quotes: true },
  {
    codes: /^(42P06|42P07|42701|42703|42710)$/,
    sentence: 'another program uses this database: give Inlet a database of its own',
    quotes: true,
  },
  {
    codes: /^53300$/,
    sentence: `the server has no connection left, and each process needs ${String(connectionsPerProcess)}`,
  },
  { codes: /^53100$/, sentence: 'the disk of the server is full' },
  {
    codes: /^57014$/,
    sentence: 'the server has broken off a statement: its user may have too short a statement_timeout',
  },
  { codes: /^57P0[1-3]$/, sentence: 'the server is starting or stopping' },
  {
    codes: /^25006$/,
    sentence: 'the server is read-only for this user; a standby can be used when it has been promoted',
  },
  { codes: /^XX00[12]$/, sentence: 'the data of the server are damaged: restore a backup', quotes: true },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    sentence: `the certificate of the server is for another host: name the host as the certificate does, or ${chapter}`,
  },
  { codes: /^CERT_HAS_EXPIRED$/, sentence: 'the certificate of the server has expired' },
  {
    codes: /^(EPROTO|ERR_SSL_\w+)$/,
    sentence:
      'the server does not speak TLS as it should: look at its TLS settings, or at the proxy before it',
  },
  {
    codes: tlsTrouble,
    sentence: `the certificate of the server is not trusted: name the authority that signed it with sslrootcert=FILE, or ${chapter}`,
  },
  { codes: /^(ENOTFOUND|EAI_\w+)$/, sentence: 'the name of its host is not known' },
  { codes: /^(ECONNRESET|EPIPE)$/, sentence: 'what answers at its host and port ends the connection' },
  { codes: /^ENOENT$/, sentence: 'there is no socket of a server in its folder' },
  { codes: /^(E[A-Z]+)$/, sentence: 'nobody answers at its host and port' },
];

function sayWhy(error: unknown): string | undefined {
  if (error instanceof MigrationError) return error.message;
  if (error instanceof DatabasePoolerError) {
    return (
      'points to a pooler in transaction or statement mode, which gives sessions the connections of others: use the server itself, or a pooler ' +
      `in session mode with at least ${String(connectionsPerProcess)} connections for each process (PgBouncer: pool_mode=session)`
    );
  }
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  const message = error.message.split('\n')[0] ?? '';
  const words = code === undefined || code === '08P01' ? sayByMessage(message) : undefined;
  return words ?? sayByCode(code, message);
}

function sayByCode(code: string | undefined, message: string): string | undefined {
  if (code === undefined) return undefined;
  if (message.includes('extension "pg_trgm"') && code !== '42501')
    return `the server lacks the extension pg_trgm, which is among the contrib modules of PostgreSQL: install them there (${code})`;
  const { sentence = message, quotes = false } = reasons.find(({ codes }) => codes.test(code)) ?? {};
  return `${sentence}${quotes ? `: ${message}` : ''} (${code})`;
}

/** What the driver says, which has no codes, and PgBouncer, which has one for everything. */
function sayByMessage(message: string): string | undefined {
  if (/does not support SSL/i.test(message)) return 'the server speaks no TLS, which sslmode asks for';
  if (/must be a string|empty password/i.test(message))
    return 'the server wants a password, and there is none';
  if (/SASL|password|no such user/i.test(message)) return 'the user or the password is refused';
  if (/no such database|does not exist/i.test(message)) return 'the server has no database of this name';
  if (/invalid response|establishing an SSL connection|unexpected message/i.test(message))
    return 'what answers at its host and port is not PostgreSQL';
  if (/timeout|terminated/i.test(message))
    return 'the server does not answer in time, or ends the connection';
  return undefined;
}
