/**
 * The sums of the statistics. Triggers append what a statement changes to `stats_change`, where no two
 * writers meet; here the changes are added to the sums, in batches that move rows: SQL. The tables are
 * described in prisma/schema.prisma, the triggers in prisma/migrations.
 */
import { transaction, type Pool, type Transaction } from '../postgres/database.js';

export interface StatsSums {
  /**
   * Adds some of the changes to the sums, and returns how many. When another process is doing it, this one
   * does nothing and returns 0.
   */
  readonly fold: () => Promise<number>;
  /**
   * Adds changes until few are left: while webhooks arrive, there are always some, and a caller that waited for
   * none would never end.
   */
  readonly foldMost: () => Promise<void>;
}

/** One batch takes about 0.3 s, and no other statement waits for it. */
const foldedAtOnce = 50_000;

export function createStatsSums(pool: Pool): StatsSums {
  const fold = (): Promise<number> =>
    transaction(pool, async (connection) => {
      const { rows } = await connection.query<{ isAlone: boolean }>(
        `select pg_try_advisory_xact_lock(hashtextextended('stats', 0)) as "isAlone"`,
      );
      if (rows[0]?.isAlone !== true) return 0;
      const { count, days, timedDays } = await moveChanges(connection);
      if (count === 0) return 0;
      await removeZeros(connection, days);
      await renewMedians(connection, timedDays);
      return count;
    });
  return {
    fold,
    foldMost: async () => {
      while ((await fold()) === foldedAtOnce);
    },
  };
}

/**
 * Counts everything anew, with writers kept out. Needed only after rows have changed without triggers, as in
 * a backup of data alone.
 */
export async function recountStats(pool: Pool): Promise<void> {
  await pool.query('select stats_recount()');
}

interface Moved {
  readonly count: number;
  /** Days of the changes. */
  readonly days: readonly string[];
  /** Days on which there are other durations now. */
  readonly timedDays: readonly string[];
}

/** One statement, so that a reader sees each change either here or there. */
async function moveChanges(connection: Transaction): Promise<Moved> {
  const { rows } = await connection.query<Moved>(
    `with gone as (
       delete from stats_change where id in (select id from stats_change order by id limit $1) returning *
     ), days as (
       insert into stats_day as known (day, channel, kind, direction, state, media, bytes)
       select day, channel, kind, direction, state, sum(media), sum(bytes) from gone where kind is not null
       group by 1, 2, 3, 4, 5 having sum(media) <> 0 or sum(bytes) <> 0
       on conflict (day, channel, kind, direction, state)
       do update set media = known.media + excluded.media, bytes = known.bytes + excluded.bytes
     ), pending as (
       insert into stats_pending as known (minute, channel, media)
       select minute, channel, sum(media) from gone where minute is not null group by 1, 2 having sum(media) <> 0
       on conflict (minute, channel) do update set media = known.media + excluded.media
     ), durations as (
       insert into stats_duration as known (day, channel, milliseconds, media)
       select day, channel, milliseconds, sum(media) from gone where milliseconds is not null
       group by 1, 2, 3 having sum(media) <> 0
       on conflict (day, channel, milliseconds) do update set media = known.media + excluded.media
     ), malformed as (
       insert into stats_malformed as known (day, channel, deliveries)
       select day, channel, sum(malformed) from gone where malformed <> 0 group by 1, 2 having sum(malformed) <> 0
       on conflict (day, channel) do update set deliveries = known.deliveries + excluded.deliveries
     )
     select count(*)::int as count, coalesce(array_agg(distinct day::text), '{}') as days,
            coalesce(array_agg(distinct day::text) filter (where milliseconds is not null), '{}') as "timedDays"
     from gone`,
    [foldedAtOnce],
  );
  return rows[0] ?? { count: 0, days: [], timedDays: [] };
}

async function removeZeros(connection: Transaction, days: readonly string[]): Promise<void> {
  const ofDays = 'day = any($1::text[]::date[])';
  await connection.query(`delete from stats_day where ${ofDays} and media = 0 and bytes = 0`, [days]);
  await connection.query(`delete from stats_duration where ${ofDays} and media = 0`, [days]);
  await connection.query(`delete from stats_malformed where ${ofDays} and deliveries = 0`, [days]);
  await connection.query('delete from stats_pending where media = 0');
}

async function renewMedians(connection: Transaction, days: readonly string[]): Promise<void> {
  await connection.query('delete from stats_median where day = any($1::text[]::date[])', [days]);
  await connection.query(
    `insert into stats_median (day, channel, milliseconds)
     select day, channel, stats_median_of(array_agg(milliseconds), array_agg(media)) from stats_duration
     where day = any($1::text[]::date[]) group by day, channel`,
    [days],
  );
}
