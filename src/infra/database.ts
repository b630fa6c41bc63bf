/** One pool of connections to PostgreSQL, shared by Prisma, the hot statements and the queue. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';

import { PrismaClient } from './generated/client.js';
import type { Logger } from './logger.js';

export interface Database {
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  readonly connectionString: string;
  readonly close: () => Promise<void>;
}

/** Other processes are recognised by this name (see embedded-postgres.ts). */
const applicationName = 'inlet';

export function openDatabase(connectionString: string, logger: Logger): Database {
  const pool = new pg.Pool({
    connectionString,
    application_name: applicationName,
    max: 16,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // A connection that is lost is replaced by the pool; without listeners it would end the process.
  const report = (error: Error): void => {
    logger.warn(
      { code: 'database.connection_lost', reason: error.message },
      'a database connection was lost',
    );
  };
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', report));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    pool,
    prisma,
    connectionString,
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** A connection of its own, for what belongs to a session: LISTEN and advisory locks. */
export function newSession(connectionString: string): pg.Client {
  return new pg.Client({ connectionString, application_name: applicationName, keepAlive: true });
}
