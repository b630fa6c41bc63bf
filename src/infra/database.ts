/** One pool of connections to PostgreSQL, shared by Prisma, the hot statements and the queue. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';

import { PrismaClient } from './generated/client.js';
import type { Logger } from './logger.js';

export interface Database {
  readonly pool: pg.Pool;
  /**
   * For statements that are prepared once and run for ever, each touching a few rows by key: here the planner never chooses to
   * scan a table. It would otherwise, for as long as the table was small when it looked, and go on doing so while it grows
   * (measured: 20 µs more for each webhook with every 4 000 waiting jobs).
   */
  readonly byKey: pg.Pool;
  readonly prisma: PrismaClient;
  readonly connectionString: string;
  /** Ends what has not ended after a second. Never resolves when the server does not say goodbye: bound it. */
  readonly close: () => Promise<void>;
}

/** Other processes are recognised by this name (see embedded-postgres.ts). */
const applicationName = 'inlet';
/** How long statements may go on when the database is closed. */
const lastStatementMs = 1_000;

export function openDatabase(connectionString: string, logger: Logger): Database {
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
    keepAlive: true,
  };
  const pool = new pg.Pool({ ...settings, max: 12 });
  const byKey = new pg.Pool({ ...settings, max: 4, onConnect: neverScan });
  const open = new Set<pg.PoolClient>();
  for (const each of [pool, byKey]) {
    each.on('error', report);
    each.on('connect', (client) => {
      client.on('error', report);
      open.add(client);
    });
    each.on('remove', (client) => open.delete(client));
  }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    pool,
    byKey,
    prisma,
    connectionString,
    close: async () => {
      // Ends also what is at work with a connection, or waits for a server that does not answer.
      const breakOff = setTimeout(() => {
        for (const client of open) void client.end().catch(() => undefined);
      }, lastStatementMs);
      await Promise.all([prisma.$disconnect(), pool.end(), byKey.end()]);
      clearTimeout(breakOff);
    },
  };
}

/** All of it or nothing: what `work` does with the connection is committed together. */
export async function transaction<T>(
  pool: pg.Pool,
  work: (connection: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const connection = await pool.connect();
  let broken = false;
  try {
    await connection.query('begin');
    const result = await work(connection);
    await connection.query('commit');
    return result;
  } catch (error) {
    await connection.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    connection.release(broken);
  }
}

/** The pool waits for this before it hands the connection out, which its types do not tell. */
function neverScan(client: pg.ClientBase): void {
  return client.query('set enable_seqscan = off') as unknown as undefined;
}

/** A connection of its own, for what belongs to a session: LISTEN and advisory locks. */
export function newSession(connectionString: string, connectTimeoutMs?: number): pg.Client {
  const session = new pg.Client({
    ...{ connectionString, application_name: applicationName, keepAlive: true },
    ...(connectTimeoutMs !== undefined && { connectionTimeoutMillis: connectTimeoutMs }),
  });
  // A connection that is terminated says so twice; whoever minds has heard the first, nobody may die of the second.
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
    const { rows } = await session.query<{ alone: boolean }>({
      ...{ text: 'select pg_try_advisory_lock(hashtextextended($1, 0)) as alone', values: [name] },
      ...{ query_timeout: lockTimeoutMs },
    });
    if (rows[0]?.alone !== true) return false;
    await work();
    return true;
  } finally {
    // Not waited for: a server that does not answer does not say goodbye either.
    void session.end().catch(() => undefined);
  }
}
