/** Prisma Client in transactions of ours, and what its failures are taken for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';

import { openDatabase, transaction, undone, type Database } from '../../../src/infra/postgres/database.js';
import { isConflict, isDatabaseFailure, isDataRefused } from '../../../src/infra/postgres/errors.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';

let clone: TestDatabase;
let database: Database;

beforeAll(async () => {
  clone = await cloneDatabase();
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }));
});
beforeEach(async () => {
  await clone.query('delete from channel');
});
afterAll(async () => {
  await database.close();
  await clone.drop();
});

const row = (id: string) => ({
  id,
  provider: 'z-api',
  settings: Uint8Array.of(1),
  createdAt: new Date(),
  updatedAt: new Date(),
});
const insertText = `insert into channel (id, provider, settings, created_at, updated_at) values ($1, 'z-api', '', now(), now())`;
const ids = async (): Promise<string[]> =>
  (await clone.query<{ id: string }>('select id from channel order by id')).map(({ id }) => id);

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a transaction with statements of both kinds', () => {
  test('commits them together', async () => {
    const seen = await transaction(database.api, async ({ query, prisma }) => {
      await query(insertText, ['sql']);
      await prisma(({ channel }) => channel.create({ data: row('prisma') }));
      expect(await ids()).toEqual([]);
      return prisma(({ channel }) => channel.count());
    });
    expect(seen).toBe(2);
    expect(await ids()).toEqual(['prisma', 'sql']);
  });

  test('keeps nothing of them when one is refused', async () => {
    const failure = await failureOf(
      transaction(database.api, async ({ query, prisma }) => {
        await query(insertText, ['twice']);
        await prisma(({ channel }) => channel.create({ data: row('other') }));
        await prisma(({ channel }) => channel.create({ data: row('twice') }));
      }),
    );
    expect(isDataRefused(failure)).toBe(true);
    expect(isDatabaseFailure(failure)).toBe(false);
    expect(await ids()).toEqual([]);
  });

  test('answers what it has found when it undoes itself', async () => {
    const counted = await transaction(database.api, async ({ query, prisma }) => {
      await query(insertText, ['sql']);
      await prisma(({ channel }) => channel.create({ data: row('prisma') }));
      return undone(await prisma(({ channel }) => channel.count()));
    });
    expect(counted).toBe(2);
    expect(await ids()).toEqual([]);
  });

  test('is not joined by a transaction on another pool that is begun within it', async () => {
    await transaction(database.api, ({ prisma }) =>
      prisma(async ({ channel }) => {
        await channel.create({ data: row('inside') });
        const outside = await database.work.prisma.$transaction((other) => other.channel.count());
        expect(outside).toBe(0);
      }),
    );
    expect(await ids()).toEqual(['inside']);
  });

  test('is repeated after a deadlock', async () => {
    await database.api.prisma.channel.createMany({ data: [row('a'), row('b')] });
    let failures = 0;
    const reached = new Set<string>();
    let meet: () => void = () => undefined;
    const met = new Promise<void>((resolve) => (meet = resolve));
    const rename = (first: string, second: string): Promise<void> =>
      transaction(database.api, ({ prisma }) =>
        prisma(async ({ channel }) => {
          await channel.update({ where: { id: first }, data: { name: first } });
          if (reached.add(first).size === 2) meet();
          await met;
          const written = channel.update({ where: { id: second }, data: { name: first } });
          await written.catch((error: unknown) => {
            failures += Number(isConflict(error));
            throw error;
          });
        }),
      );
    await Promise.all([rename('a', 'b'), rename('b', 'a')]);
    expect(failures).toBeGreaterThan(0);
    const names = await clone.query<{ name: string }>('select distinct name from channel');
    expect(names).toHaveLength(1);
  });

  test('gives its connections back', () => {
    expect(database.api.idleCount).toBe(database.api.totalCount);
  });
});

describe('a call of Prisma Client', () => {
  test.each([
    ['a text with NUL', () => database.api.prisma.channel.create({ data: row('a\0') })],
    ['a text that is no UUID', () => database.api.prisma.media.findUnique({ where: { id: 'none' } })],
  ])('is refused because of its data: %s', async (_, ask) => {
    const failure = await failureOf(ask());
    expect(isDataRefused(failure)).toBe(true);
    expect(isDatabaseFailure(failure)).toBe(false);
  });

  test.each([
    ['by itself', () => database.api.prisma.channel.findMany()],
    [
      'in a transaction',
      () => transaction(database.api, ({ prisma }) => prisma((one) => one.channel.findMany())),
    ],
  ])(
    'whose connection is terminated fails as the database does, and the next one works: %s',
    async (_, ask) => {
      const locker = new pg.Client(clone.connectionString);
      await locker.connect();
      try {
        await locker.query('begin; lock table channel');
        const failure = failureOf(ask());
        const terminate = `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%channel%'`;
        for (let ended = 0; ended === 0; ended = (await clone.query(terminate)).length);
        expect(isDatabaseFailure(await failure)).toBe(true);
        expect(isDataRefused(await failure)).toBe(false);
      } finally {
        await locker.end();
      }
      expect(await ask()).toEqual([]);
    },
  );

  test('fails as the database does when nobody answers', async () => {
    const away = openDatabase('postgresql://inlet@127.0.0.1:1/inlet', pino({ level: 'silent' }));
    const failures = await Promise.all([
      failureOf(away.api.prisma.channel.findMany()),
      failureOf(transaction(away.api, ({ prisma }) => prisma((one) => one.channel.findMany()))),
    ]);
    expect(failures.map(isDatabaseFailure)).toEqual([true, true]);
    await away.close();
  });
});
