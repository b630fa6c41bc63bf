/**
 * What retention has set aside for legal holds, and the channels in which something may be due. Each step
 * follows an index, in batches that lock: SQL.
 */
import type { Pool } from '../../postgres/database.js';

export interface Parked {
  /**
   * Brings back what was set aside for holds that have ended, so that retention looks at it again; another
   * hold may keep it. Returns how many rows it has brought back, 0 when nothing is left.
   */
  readonly release: () => Promise<number>;
  /** The channels that have data which retention has not erased or set aside, also those that were removed. */
  readonly channels: () => Promise<readonly string[]>;
}

const batchSize = 2_000;

/** The tables, with the condition of the index that has what may be due in each. */
const tables = {
  media: `parked_by is null and state <> 'erased'`,
  outbound: 'parked_by is null',
  context: 'parked_by is null',
  delivery: 'parked_by is null',
} as const;

export function createParked(pool: Pick<Pool, 'query'>): Parked {
  return {
    release: async () => {
      let released = 0;
      for (const table of Object.keys(tables)) {
        const { rowCount } = await pool.query(releaseFrom(table), [batchSize]);
        released += rowCount ?? 0;
      }
      return released;
    },
    channels: async () => {
      const each = Object.entries(tables).map(([table, due]) => distinct('channel', table, due));
      const { rows } = await pool.query<{ channel: string }>(
        `select value as channel from (${each.join(' union ')}) as found (value) order by value`,
      );
      return rows.map(({ channel }) => channel);
    },
  };
}

function releaseFrom(table: string): string {
  return `
    with ended as materialized (
      select value from (${distinct('parked_by', table, 'parked_by is not null')}) as known (value)
      where not exists (select from legal_hold where legal_hold.id = value)
    ), freed as (
      select found.id from ended cross join lateral (
        select id from ${table} where parked_by = ended.value order by id limit $1 for update skip locked
      ) as found limit $1
    )
    update ${table} set parked_by = null where id in (select id from freed)`;
}

/** The values of a column, found by one entry of an index for each. */
function distinct(column: string, table: string, condition: string): string {
  const next = (behind: string): string =>
    `(select ${column} from ${table} where ${condition} ${behind} order by ${column} limit 1)`;
  return `
    select * from (
      with recursive one (value) as (
        select * from ${next('')} as first
        union all
        select ${next(`and ${column} > one.value`)} from one where one.value is not null
      )
      select value from one where value is not null
    ) as ${table}_values`;
}
