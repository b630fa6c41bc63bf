/** Deletes what is only kept for a while: the oldest first, some thousand rows at a time, so that nothing waits for it long. */
import type pg from 'pg';

import { lowestIdAt } from '../domain/id.js';
import { transaction } from './database.js';

/** Each deletes some of what is older than the moment, and answers how much: 0 when nothing is left. */
export interface Retention {
  /** What was asked for to be sent, unless it still waits; the media and messages that came of it are erased by themselves. */
  readonly outbound: (before: Date) => Promise<number>;
  /** Raw webhooks; their messages forget which they were. */
  readonly deliveries: (before: Date) => Promise<number>;
  /** Events that were told, unless one is still on its way to somebody. */
  readonly events: (before: Date) => Promise<number>;
  /** What became of events on their way to those who subscribed. */
  readonly notices: (before: Date) => Promise<number>;
}

const rowsAtOnce = 2_000;
const dayMs = 86_400_000;

export function createRetention(pool: pg.Pool): Retention {
  const deleted = async (query: string, values: readonly unknown[]): Promise<number> =>
    (await pool.query(query, [...values])).rowCount ?? 0;
  return {
    outbound: (before) =>
      deleted(
        `delete from outbound where id in (
           select id from outbound where id < $2 and created_at < $1 and state not in ('queued', 'sending')
           order by id limit $3 for update skip locked)`,
        [before, lowestIdAt(before), rowsAtOnce],
      ),
    deliveries: (before) =>
      transaction(pool, async (connection) => {
        // Ids sort by time: with theirs, an index leads to the old ones at once.
        const { rows } = await connection.query<{ id: string; receivedAt: Date }>(
          `select id, received_at as "receivedAt" from delivery where id < $2 and received_at < $1 order by id limit $3`,
          [before, lowestIdAt(before), rowsAtOnce],
        );
        if (rows.length === 0) return 0;
        const ids = rows.map(({ id }) => id);
        const latest = Math.max(...rows.map(({ receivedAt }) => receivedAt.getTime()));
        // Messages are locked before deliveries, as erasing does: the other way round, each could wait for the other.
        await connection.query(
          // A message is made right after its delivery. One that a replay has added later keeps naming what is gone, which
          // nobody minds: all who read it look whether the delivery is there.
          `update message set delivery_id = null where id in (
             select id from message where id > $1 and id < $2 and delivery_id = any($3) order by id for update)`,
          [ids[0], lowestIdAt(new Date(latest + dayMs)), ids],
        );
        const deleted = await connection.query(
          `delete from delivery where id in (select id from delivery where id = any($1) order by id for update)`,
          [ids],
        );
        return deleted.rowCount ?? 0;
      }),

    events: (before) =>
      deleted(
        `delete from notification where id in (
           select id from notification where created_at < $1 and seq is not null and not exists (
             select from notification_delivery as way
             where way.notification_id = notification.id and way.settled_at is null)
           limit $2)`,
        [before, rowsAtOnce],
      ),

    notices: (before) =>
      deleted(
        `delete from notification_delivery where id in (
           select id from notification_delivery
           where coalesce(settled_at, created_at) < $1 limit $2)`,
        [before, rowsAtOnce],
      ),
  };
}
