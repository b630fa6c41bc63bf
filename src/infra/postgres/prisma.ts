/**
 * Prisma Client on the connections of a pool. In a transaction (see database.ts), its calls use the
 * connection of that transaction, so that ordinary reads and writes are committed together with statements
 * that lock.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';

import { PrismaClient, type Prisma } from '../generated/client.js';

/** The longest possible timer, about 25 days. Statements have limits of their own. */
const noLimitMs = 2 ** 31 - 1;

/** The connection that a transaction of Prisma Client uses instead of one from the pool. */
const joined = new AsyncLocalStorage<pg.ClientBase | undefined>();

export function createPrisma(pool: pg.Pool): PrismaClient {
  const connections = Object.assign(Object.create(pool) as pg.Pool, {
    query: pool.query.bind(pool), // The pool's own method would call `connect` below.
    connect: () => {
      const connection = joined.getStore();
      return connection ? Promise.resolve(asMember(connection)) : pool.connect();
    },
  });
  // Other formats quote the arguments of an invalid call, which do not belong in a log.
  return new PrismaClient({ adapter: new PrismaPg(connections), errorFormat: 'minimal' });
}

/** What `work` does with Prisma Client becomes part of the transaction on `connection`. */
export async function inTransactionOf<T>(
  connection: pg.ClientBase,
  prisma: PrismaClient,
  work: (prisma: Prisma.TransactionClient) => Promise<T>,
): Promise<T> {
  // A transaction that `work` begins on another pool is a separate one.
  const separated = (member: Prisma.TransactionClient): Promise<T> =>
    joined.run(undefined, () => work(member));
  return joined.run(connection, () =>
    prisma.$transaction(separated, { maxWait: noLimitMs, timeout: noLimitMs }),
  );
}

/** The statements with which Prisma Client begins and ends its transactions. */
const control = /^(BEGIN|COMMIT|ROLLBACK)$/;
const nothing = { rows: [], fields: [], rowCount: 0 } as const;

/** The connection of a transaction that its owner begins, ends and releases. */
function asMember(connection: pg.ClientBase): pg.PoolClient {
  return Object.assign(Object.create(connection) as pg.PoolClient, {
    query: (statement: pg.QueryConfig) =>
      control.test(statement.text) ? Promise.resolve(nothing) : connection.query(statement),
    release: () => undefined,
  });
}
