/** Connections to PostgreSQL: one pool for each kind of load, so that none of them can take the connections of another. */
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import type { Prisma, PrismaClient } from '../generated/client.js';
import type { Logger } from '../logging/logger.js';
import { codeOf, isConflict, isNoAnswer } from './errors.js';
import { createPrisma, inTransactionOf } from './prisma.js';

/** Connections for SQL, and for Prisma Client. Decision 123 says which of them a statement uses. */
export type Pool = pg.Pool & {
  /** Made when it is first used. */
  readonly prisma: PrismaClient;
};

export interface Database {
  /** For requests of the API. A statement fails when there is no answer within {@link longestStatementMs}. */
  readonly api: Pool;
  /**
   * The connections of `api`, for SQL that may take as long as it needs: what is to be erased may be half of the database. Prisma Client
   * outside a transaction keeps the limit of `api`.
   */
  readonly erasing: Pool;
  /** For the queue, its jobs, and upkeep. */
  readonly work: Pool;
  /** For the worker's hot statements, some of which uploads use as well; with the same limit as `api`. See {@link neverScan}. */
  readonly workByKey: Pool;
  /** For verified webhooks, from the network and from the spool, and for nothing else; see {@link neverScan}. */
  readonly intake: Pool;
  readonly connectionString: string;
  /** Ends what has not ended after a second. Never resolves when the server does not say goodbye: bound it. */
  readonly close: () => Promise<void>;
}

/**
 * Connections of one process. Three more are used outside the pools: LISTEN, the lock of the queue, and the lock of the spool while it
 * is replayed. That makes 19, which docs/operations.md promises: PgBouncer's default pool has 20.
 */
const poolSizes = { api: 5, work: 5, workByKey: 3, intake: 3 } as const;
const sessions = 3;
export const connectionsPerProcess =
  poolSizes.api + poolSizes.work + poolSizes.workByKey + poolSizes.intake + sessions;

/** Other processes are recognised by this name (see embedded-postgres.ts). */
export const applicationName = 'inlet';
/**
 * A host that vanishes says no goodbye: then a session that only listens would wait for hours. The system asks after so long without a
 * word, and gives the connection up some ten seconds later.
 */
const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;
/**
 * For a statement that a caller waits for. A server that hangs, or one behind a network that swallows what is sent, would otherwise keep callers and
 * connections for a quarter of an hour and longer. The slowest statements, the counts of a large database, take some seconds.
 */
export const longestStatementMs = 30_000;
/** How long statements may go on when the database is closed. */
const lastStatementMs = 1_000;

export function openDatabase(
  connectionString: string,
  logger: Logger,
  { statementMs = longestStatementMs }: { readonly statementMs?: number } = {},
): Database {
  // A connection that is lost is replaced by the pool; without listeners it would end the process.
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
    onConnect: awaited(endStatementsWithUs),
  });
  const work = openPool({ ...settings, max: poolSizes.work, onConnect: awaited(endStatementsWithUs) });
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
    erasing: withoutHurry(api),
    work,
    workByKey,
    intake,
    connectionString,
    close: async () => {
      // Ends also what is at work with a connection, or waits for a server that does not answer.
      const breakOff = setTimeout(() => {
        for (const client of open) void client.end().catch(() => undefined);
      }, lastStatementMs);
      await Promise.all(pools.map((pool) => pool.end()));
      clearTimeout(breakOff);
    },
  };
}

export function openPool(config: pg.PoolConfig): Pool {
  const pool = new pg.Pool(config);
  let prisma: PrismaClient | undefined;
  return Object.defineProperty(pool, 'prisma', { get: () => (prisma ??= createPrisma(pool)) }) as Pool;
}

/** As long as a timer can be: some 25 days. */
const noHurryMs = 2 ** 31 - 1;

/** The same connections, for callers that wait for each answer. */
function withoutHurry(pool: Pool): Pool {
  const patient = <Target extends Pick<pg.ClientBase, 'query'>>(target: Target): Target =>
    Object.assign(Object.create(target) as Target, {
      query: (statement: string | pg.QueryConfig, values?: unknown[]) => {
        const config: pg.QueryConfig = typeof statement === 'string' ? { text: statement } : statement;
        // A copy, since the same statement may be used with another limit. The driver reads this timeout, which its types do not know.
        const patientConfig: pg.QueryConfig & { readonly query_timeout: number } = {
          ...config,
          values: values ?? config.values ?? [],
          query_timeout: noHurryMs,
        };
        return target.query(patientConfig);
      },
    });
  return Object.assign(patient(pool), { connect: async () => patient(await pool.connect()) });
}

/** How often a transaction that lost against another one is repeated, and the longest pause before. */
const conflictAttempts = 8;
const longestConflictPauseMs = 200;

/** A transaction that is under way. */
export interface Transaction extends Pick<pg.ClientBase, 'query'> {
  /** Prisma Client, on the connection of the transaction. */
  readonly prisma: <T>(work: (prisma: Prisma.TransactionClient) => Promise<T>) => Promise<T>;
}

/** What else belongs to a change, such as its entry in the audit trail: true together with it. */
export type Together = (transaction: Transaction) => Promise<void>;

/** The answer of a transaction of which nothing is to be kept. */
class Undone<T> {
  readonly result: T;
  constructor(result: T) {
    this.result = result;
  }
}
/** For `work` of {@link transaction} to return: its changes are undone, and this is the answer. */
export const undone = <T>(result: T): Undone<T> => new Undone(result);

/**
 * All of it or nothing: what `work` does with the transaction is committed together. After a deadlock or a serialization failure the whole
 * work is repeated, so it must have no effects beside those of the transaction.
 */
export async function transaction<T>(
  pool: Pool,
  work: (transaction: Transaction) => Promise<T | Undone<T>>,
): Promise<T> {
  return repeatConflicts(() => transactionOnce(pool, work));
}

/** Repeats `attempt` while it fails because its transaction lost against another one. */
export async function repeatConflicts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || tried === conflictAttempts) throw error;
      // The pause differs for each transaction, so that two of them do not meet again and again.
      await delay(Math.random() * Math.min(5 * 2 ** tried, longestConflictPauseMs));
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
    // A connection whose server does not answer is given up: then the server undoes what it has.
    if (isNoAnswer(error)) broken = true;
    else await connection.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    connection.release(broken);
  }
}

/** A pool waits for what `onConnect` returns before it hands the connection out, which its types do not say. */
function awaited(prepare: (client: pg.ClientBase) => Promise<void>): (client: pg.ClientBase) => undefined {
  return (client) => prepare(client) as unknown as undefined;
}

/** SQLSTATE: invalid_parameter_value. */
const settingRefused = '22023';

/**
 * Has the server end a statement within a second when this process is gone. Otherwise a statement that waits for a lock, or reads a whole
 * table, goes on for nobody, and keeps its own locks. Servers on some systems cannot look, and refuse.
 */
export async function endStatementsWithUs(client: pg.ClientBase): Promise<void> {
  try {
    await client.query(`set client_connection_check_interval = '1s'`);
  } catch (error) {
    if (codeOf(error) !== settingRefused) throw error;
  }
}

/**
 * For statements that are prepared once and used for the life of the connection, each of which touches a few rows by key: the planner
 * never chooses to scan a table here. Otherwise it would do so as long as the table was small when it looked, and go on doing so while
 * it grows (measured: 20 µs more for each webhook with every 4 000 waiting jobs).
 */
async function neverScan(client: pg.ClientBase): Promise<void> {
  await endStatementsWithUs(client);
  await client.query('set enable_seqscan = off');
}

/** A connection of its own, for what belongs to a session: LISTEN and advisory locks. */
export function newSession(connectionString: string, connectTimeoutMs?: number): pg.Client {
  const session = new pg.Client({
    connectionString,
    application_name: applicationName,
    ...keepAlive,
    ...(connectTimeoutMs !== undefined && { connectionTimeoutMillis: connectTimeoutMs }),
  });
  // A terminated connection emits its error twice. The first one was handled; the second one must not end the process.
  session.on('error', () => undefined);
  return session;
}

const lockTimeoutMs = 5_000;

/**
 * Does the work unless another session does some under the same name; answers whether it was done. Rejects when the database
 * does not answer soon. The lock goes with its connection: should that break, somebody else may begin before the work has ended.
 */
export async function whileAlone(
  connectionString: string,
  name: string,
  work: () => Promise<void>,
): Promise<boolean> {
  const session = newSession(connectionString, lockTimeoutMs);
  try {
    await session.connect();
    // The driver reads this timeout, which its types do not know.
    const statement: pg.QueryConfig & { readonly query_timeout: number } = {
      text: 'select pg_try_advisory_lock(hashtextextended($1, 0)) as alone',
      values: [name],
      query_timeout: lockTimeoutMs,
    };
    const { rows } = await session.query<{ alone: boolean }>(statement);
    if (rows[0]?.alone !== true) return false;
    await work();
    return true;
  } finally {
    // Not waited for: a server that does not answer does not say goodbye either.
    void session.end().catch(() => undefined);
  }
}
