/** Statements of the API that a server does not answer are given up; those of an erasure are waited for. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';

import { openDatabase, transaction, type Database } from '../../../src/infra/postgres/database.js';
import { isDatabaseFailure } from '../../../src/infra/postgres/errors.js';
import { bestRound } from '../../support/best-round.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';

const statementMs = 200;
/** Longer than a statement of the API may take, also if this process is stopped for a while. */
const slow = 'select 1 as one from pg_sleep(10)';

let clone: TestDatabase;
let database: Database;

/** Locks a table, so that its readers wait. */
let locker: pg.Client;

beforeAll(async () => {
  clone = await cloneDatabase();
  locker = new pg.Client(clone.connectionString);
  await locker.connect();
  await locker.query('begin; lock table channel');
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }), { statementMs });
});
afterAll(async () => {
  await locker.end();
  await database.close();
  await clone.drop();
});

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a statement of the API without an answer', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['by itself', () => database.api.query(slow)],
    ['in a transaction', () => transaction(database.api, (connection) => connection.query(slow))],
    ['of Prisma', () => database.api.prisma.channel.findMany()],
    [
      'of Prisma in a transaction',
      () => transaction(database.api, ({ prisma }) => prisma(({ channel }) => channel.findMany())),
    ],
  ])('fails as the database does, and the next one gets another connection: %s', async (_, ask) => {
    const givenUpAfter = async (): Promise<number> => {
      const began = performance.now();
      const failures = await Promise.all(Array.from({ length: 5 }, () => failureOf(ask())));
      expect(failures.map(isDatabaseFailure)).toEqual(failures.map(() => true));
      return performance.now() - began;
    };
    expect(await bestRound(givenUpAfter, (ms) => ms < 900)).toBeLessThan(900);
    const { rows } = await database.api.query('select 1 as one');
    expect(rows).toEqual([{ one: 1 }]);
  });
});

describe('a statement of an erasure', () => {
  it('is waited for', async () => {
    const { rows } = await database.erasing.query<{ one: number }>(
      'select $1::int as one, pg_sleep(0.5)',
      [1],
    );
    expect(rows[0]?.one).toBe(1);
    const inside = await transaction(database.erasing, async (connection) => {
      await connection.query('select pg_sleep(0.5)');
      await connection.prisma((prisma) => prisma.$executeRaw`select pg_sleep(0.5)`);
      return (await connection.query<{ one: number }>('select $1::int as one', [2])).rows;
    });
    expect(inside).toEqual([{ one: 2 }]);
  });

  it('uses the connections of the API, and gives them back', async () => {
    await Promise.all(Array.from({ length: 12 }, () => database.erasing.query('select pg_sleep(0.05)')));
    await Promise.all(
      Array.from({ length: 12 }, () =>
        transaction(database.erasing, (connection) => connection.query('select pg_sleep(0.05)')),
      ),
    );
    expect(database.api.totalCount).toBeLessThanOrEqual(5);
    expect(database.api.idleCount).toBe(database.api.totalCount);
  });
});
