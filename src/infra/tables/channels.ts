/** The channels that were added at run time. Whatever changes one tells all processes in the same statement. */
import type pg from 'pg';

import { transaction, type Together } from '../postgres/database.js';
import { topics } from '../postgres/notifications.js';

export interface ChannelRow {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  /** Sealed. */
  readonly settings: Uint8Array;
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface ChannelTable {
  readonly all: () => Promise<ChannelRow[]>;
  /** False: there is one with this id already. */
  readonly add: (row: ChannelRow, together: Together) => Promise<boolean>;
  /** Nobody else changes the row meanwhile. False: there is none. */
  readonly change: (
    id: string,
    next: (row: ChannelRow) => ChannelRow,
    together: Together,
  ) => Promise<boolean>;
  /** Its media stay. False: there is none. */
  readonly remove: (id: string, together: Together) => Promise<boolean>;
}

const columns = 'id, provider, name, settings, enabled, created_at as "createdAt", updated_at as "updatedAt"';
const telling = (statement: string): string =>
  `with changed as (${statement} returning id) select pg_notify('${topics.channels}', id) from changed`;

export function createChannelTable(pool: pg.Pool): ChannelTable {
  const writeIfThere = (
    write: (connection: pg.PoolClient) => Promise<boolean>,
    together: Together,
  ): Promise<boolean> =>
    transaction(pool, async (connection) => {
      const written = await write(connection);
      if (written) await together(connection);
      return written;
    });

  return {
    all: async () =>
      (await pool.query<ChannelRow>(`select ${columns} from channel order by created_at, id`)).rows,

    add: (row, together) =>
      writeIfThere(async (connection) => {
        const { rowCount } = await connection.query(
          telling(`insert into channel (id, provider, name, settings, enabled, created_at, updated_at)
                   values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`),
          valuesOf(row),
        );
        return rowCount === 1;
      }, together),

    change: (id, next, together) =>
      writeIfThere(async (connection) => {
        const { rows } = await connection.query<ChannelRow>(
          `select ${columns} from channel where id = $1 for update`,
          [id],
        );
        const [row] = rows;
        if (!row) return false;
        await connection.query(
          telling(`update channel set provider = $2, name = $3, settings = $4, enabled = $5, created_at = $6, updated_at = $7
                   where id = $1`),
          valuesOf(next(row)),
        );
        return true;
      }, together),

    remove: (id, together) =>
      writeIfThere(async (connection) => {
        const { rowCount } = await connection.query(telling('delete from channel where id = $1'), [id]);
        await connection.query('delete from channel_activity where channel = $1', [id]);
        return rowCount === 1;
      }, together),
  };
}

function valuesOf({ id, provider, name, settings, enabled, createdAt, updatedAt }: ChannelRow): unknown[] {
  return [id, provider, name, settings, enabled, createdAt, updatedAt];
}
