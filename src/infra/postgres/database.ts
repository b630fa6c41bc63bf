/**
 * Connections to PostgreSQL: one pool for each kind of load, so that no load occupies the connections of
 * another.
 */
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import type { Prisma, PrismaClient } from '../generated/client.js';
import type { Logger } from '../logging/logger.js';
import { codeOf, isConflict, isNoAnswer } from './errors.js';
import { createPrisma, inTransactionOf } from './prisma.js';

/** Connections for SQL and for Prisma Client. Decision 123 says which of them a statement uses. */
export type Pool = pg.Pool & {
  /** Created on first use. */
  readonly prisma: PrismaClient;
};

export interface Database {
  /** For requests of the API. A statement fails if there is no answer within {@link statementTimeoutMs}. */
  readonly api: Pool;
  /**
   * The connections of `api` for SQL without a timeout, because an erasure may concern half of the database.
   * Prisma Client outside a transaction keeps the timeout of `api`.
   */
  readonly erasing: Pool;
  /** The pool of the queue, its jobs and maintenance. */
  readonly work: Pool;
  /**
   * For the worker's most frequent statements, some of which uploads use as well; with the timeout of `api`.
   * See {@link neverScan}.
   */
  readonly workByKey: Pool;
  /** Only for verified webhooks from the network and from the spool; see {@link neverScan}. */
  readonly intake: Pool;
  readonly connectionString: string;
  /**
   * Aborts statements that still run after a second. It never resolves if the server does not close the
   * connections, so callers need a timeout.
   */
  readonly close: () => Promise<void>;
}

/**
 * The connections of one process. Three more are used outside the pools: for LISTEN, for the locks of the
 * queue, and for the lock of the spool while it is replayed. These are the 19 that docs/operations.md
 * promises; the default pool of PgBouncer has 20.
 */
const poolSizes = { api: 5, work: 5, workByKey: 3, intake: 3 } as const;
const sessions = 3;
export const connectionsPerProcess =
  poolSizes.api + poolSizes.work + poolSizes.workByKey + poolSizes.intake + sessions;

/** The name by which processes recognise each other's connections (see embedded/server.ts). */
export const applicationName = 'inlet';
/**
 * A host that vanishes does not close its connections, and a session that only listens would wait for hours.
 * The system probes the connection after this idle time, and closes it about ten seconds later.
 */
const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;
/**
 * The timeout of a statement for which a caller waits. A server that hangs, or a network that loses packets,
 * would otherwise occupy callers and connections for a quarter of an hour and longer. The slowest statements,
 * the counts of a large database, take some seconds.
 */
export const statementTimeoutMs = 30_000;
/** How long statements may continue when the database is closed. */
const closeGraceMs = 1_000;

export function openDatabase(
  connectionString: string,
  logger: Logger,
  { statementMs = statementTimeoutMs }: { readonly statementMs?: number } = {},
): Database {
  // The pool replaces a lost connection. Without a listener, its error would end the process.
  const report = (error: Error): void => {
    logger.warn(
      { code: 'database.connection_lost', reason: error.message },
      'a database connection was lost',
    );
  };
  const settings = {
    connectionString,
    application_name: applicationName,
    connectionTimeoutMillis: 5_000,
    ...keepAlive,
  };
  const api = openPool({
    ...settings,
    max: poolSizes.api,
    query_timeout: statementMs,
    onConnect: awaited(neverCompile),
  });
  const work = openPool({ ...settings, max: poolSizes.work, onConnect: awaited(endStatementsWithProcess) });
  const workByKey = openPool({
    ...settings,
    max: poolSizes.workByKey,
    query_timeout: statementMs,
    onConnect: awaited(neverScan),
  });
  const intake = openPool({ ...settings, max: poolSizes.intake, onConnect: awaited(neverScan) });
  const pools = [api, work, workByKey, intake];
  const open = new Set<pg.PoolClient>();
  for (const each of pools) {
    each.on('error', report);
    each.on('connect', (client) => {
      client.on('error', report);
      open.add(client);
    });
    each.on('remove', (client) => open.delete(client));
  }
  return {
    api,
    erasing: withoutTimeout(api),
    work,
    workByKey,
    intake,
    connectionString,
    close: async () => {
      // Also ends connections that are in use or wait for a server that does not answer.
      const abort = setTimeout(() => {
        for (const client of open) void client.end().catch(() => undefined);
      }, closeGraceMs);
      await Promise.all(pools.map((pool) => pool.end()));
      clearTimeout(abort);
    },
  };
}

export function openPool(config: pg.PoolConfig): Pool {
  const pool = new pg.Pool(config);
  let prisma: PrismaClient | undefined;
  return Object.defineProperty(pool, 'prisma', { get: () => (prisma ??= createPrisma(pool)) }) as Pool;
}

/** The longest possible timer, about 25 days. */
const longestTimerMs = 2 ** 31 - 1;

/** The same connections for callers that wait for each answer. */
function withoutTimeout(pool: Pool): Pool {
  const wrap = <Target extends Pick<pg.ClientBase, 'query'>>(target: Target): Target =>
    Object.assign(Object.create(target) as Target, {
      query: (statement: string | pg.QueryConfig, values?: unknown[]) => {
        const config: pg.QueryConfig = typeof statement === 'string' ? { text: statement } : statement;
        // A copy, because the same statement may be used with another timeout. The driver reads
        // `query_timeout`, which its types omit.
        const untimedConfig: pg.QueryConfig & { readonly query_timeout: number } = {
          ...config,
          values: values ?? config.values ?? [],
          query_timeout: longestTimerMs,
        };
        return target.query(untimedConfig);
      },
    });
  return Object.assign(wrap(pool), { connect: async () => wrap(await pool.connect()) });
}

/** The attempts at a transaction that fails because of another one, and the longest pause between them. */
const conflictAttempts = 8;
const maxConflictPauseMs = 200;

/** An open transaction. */
export interface Transaction extends Pick<pg.ClientBase, 'query'> {
  /** Prisma Client, on the connection of the transaction. */
  readonly prisma: <T>(work: (prisma: Prisma.TransactionClient) => Promise<T>) => Promise<T>;
}

/**
 * Writes that belong to a change, such as its entry in the audit trail, and are committed together with it.
 */
export type Together = (transaction: Transaction) => Promise<void>;

/** The result of a transaction that is rolled back. */
class Undone<T> {
  readonly result: T;
  constructor(result: T) {
    this.result = result;
  }
}
/** Returned by `work` of {@link transaction}: its changes are rolled back, and `result` is the result. */
export const undone = <T>(result: T): Undone<T> => new Undone(result);

/**
 * Commits everything that `work` does with the transaction, or nothing. After a deadlock or a serialization
 * failure, `work` is repeated as a whole, so it must have no effects besides those of the transaction.
 */
export async function transaction<T>(
  pool: Pool,
  work: (transaction: Transaction) => Promise<T | Undone<T>>,
): Promise<T> {
  return repeatConflicts(() => transactionOnce(pool, work));
}

/** Repeats `attempt` while it fails because of a conflict with another transaction. */
export async function repeatConflicts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || tried === conflictAttempts) throw error;
      // The pause is random, so that the same two transactions do not conflict again.
      await delay(Math.random() * Math.min(5 * 2 ** tried, maxConflictPauseMs));
    }
  }
}

async function transactionOnce<T>(
  pool: Pool,
  work: (transaction: Transaction) => Promise<T | Undone<T>>,
): Promise<T> {
  const connection = await pool.connect();
  let broken = false;
  try {
    await connection.query('begin');
    const result = await work({
      query: connection.query.bind(connection),
      prisma: (part) => inTransactionOf(connection, pool.prisma, part),
    });
    await connection.query(result instanceof Undone ? 'rollback' : 'commit');
    return result instanceof Undone ? result.result : result;
  } catch (error) {
    // If the server does not answer, the connection is closed, and the server then rolls back.
    if (isNoAnswer(error)) broken = true;
    else await connection.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    connection.release(broken);
  }
}

/** A pool awaits the result of `onConnect` before it hands out the connection, which its types omit. */
function awaited(prepare: (client: pg.ClientBase) => Promise<void>): (client: pg.ClientBase) => undefined {
  return (client) => prepare(client) as unknown as undefined;
}

/** SQLSTATE: invalid_parameter_value. */
const invalidParameterValue = '22023';

/**
 * Makes the server end a statement within a second when this process has ended. Otherwise, a statement that
 * waits for a lock or reads a whole table continues without a client, and keeps its locks. Servers on some
 * systems cannot check that and refuse the setting.
 */
export async function endStatementsWithProcess(client: pg.ClientBase): Promise<void> {
  try {
    await client.query(`set client_connection_check_interval = '1s'`);
  } catch (error) {
    if (codeOf(error) !== invalidParameterValue) throw error;
  }
}

/**
 * Forbids just-in-time compilation, for statements with many small steps, such as those of lists: the planner
 * overestimates them and compiles, which takes 0.05 to 0.2 s for a statement of some milliseconds.
 */
async function neverCompile(client: pg.ClientBase): Promise<void> {
  await endStatementsWithProcess(client);
  await client.query('set jit = off');
}

/**
 * Forbids sequential scans, for statements that are prepared once for the life of the connection and read a
 * few rows by key. Otherwise, the planner would choose a scan while the table is small, and keep that plan
 * while the table grows (measured: 20 µs more for each webhook with every 4 000 waiting jobs).
 */
async function neverScan(client: pg.ClientBase): Promise<void> {
  await endStatementsWithProcess(client);
  await client.query('set enable_seqscan = off');
}

/** A separate connection for what belongs to a session: LISTEN and advisory locks. */
export function newSession(connectionString: string, connectTimeoutMs?: number): pg.Client {
  const session = new pg.Client({
    connectionString,
    application_name: applicationName,
    ...keepAlive,
    ...(connectTimeoutMs !== undefined && { connectionTimeoutMillis: connectTimeoutMs }),
  });
  // A terminated connection emits its error twice. The first one is handled; the second one must not end the
  // process.
  session.on('error', () => undefined);
  return session;
}

const lockTimeoutMs = 5_000;

/**
 * Runs the work unless another session runs work under the same name, and resolves to whether it ran. Rejects
 * if the database does not answer soon. The lock disappears with its connection: if that breaks, another
 * session may begin before the work has ended.
 */
export async function runExclusively(
  connectionString: string,
  name: string,
  work: () => Promise<void>,
): Promise<boolean> {
  const session = newSession(connectionString, lockTimeoutMs);
  try {
    await session.connect();
    // The driver reads `query_timeout`, which its types omit.
    const statement: pg.QueryConfig & { readonly query_timeout: number } = {
      text: 'select pg_try_advisory_lock(hashtextextended($1, 0)) as acquired',
      values: [name],
      query_timeout: lockTimeoutMs,
    };
    const { rows } = await session.query<{ acquired: boolean }>(statement);
    if (rows[0]?.acquired !== true) return false;
    await work();
    return true;
  } finally {
    // Not awaited, because a server that does not answer does not close the connection either.
    void session.end().catch(() => undefined);
  }
}
