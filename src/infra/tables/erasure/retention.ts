/**
 * Deletes what is only kept for a while: the oldest first, some thousand rows at a time, so that nothing waits for it long: batches that lock, in
 * SQL.
 */
import { lowestIdAt } from '../../../domain/id.js';
import { transaction, type Pool, type Together, type Transaction } from '../../postgres/database.js';

/** Deletes some of what is older than the moment, and answers how much: 0 when nothing is left. */
type Delete = (before: Date, together: (count: number) => Together) => Promise<number>;

export interface Retention {
  /** What was asked for to be sent, unless it still waits; the media and messages that came of it are erased by themselves. */
  readonly outbound: Delete;
  /** Raw webhooks; their messages forget which they were. */
  readonly deliveries: Delete;
  /** Events that were told, unless one is still on its way to somebody. */
  readonly events: Delete;
  /** What became of events on their way to those who subscribed. */
  readonly notices: Delete;
}

const rowsAtOnce = 2_000;
const dayMs = 86_400_000;

export function createRetention(pool: Pool): Retention {
  const counted = (
    together: (count: number) => Together,
    work: (connection: Transaction) => Promise<number>,
  ): Promise<number> =>
    transaction(pool, async (connection) => {
      const count = await work(connection);
      if (count > 0) await together(count)(connection);
      return count;
    });
  const deleting =
    (query: string, valuesOf: (before: Date) => readonly unknown[]): Delete =>
    (before, together) =>
      counted(together, async (connection) => {
        const { rowCount } = await connection.query(query, [...valuesOf(before)]);
        return rowCount ?? 0;
      });
  return {
    outbound: deleting(
      `delete from outbound where id in (
           select id from outbound where id < $2 and created_at < $1 and state not in ('queued', 'sending')
           order by id limit $3 for update skip locked)`,
      (before) => [before, lowestIdAt(before), rowsAtOnce],
    ),
    deliveries: (before, together) =>
      counted(together, async (connection) => {
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

    events: deleting(
      // How far events are gone is noted: a client that comes back with an older number has missed some.
      `with gone as (
           delete from notification where id in (
             select id from notification where created_at < $1 and seq is not null and not exists (
               select from notification_delivery as way
               where way.notification_id = notification.id and way.settled_at is null)
             limit $2)
           returning seq
         ), noted as (
           insert into event_horizon (id, seq) select 1, max(seq) from gone having count(*) > 0
           on conflict (id) do update set seq = greatest(event_horizon.seq, excluded.seq)
         )
         select seq from gone`,
      (before) => [before, rowsAtOnce],
    ),

    notices: deleting(
      `delete from notification_delivery where id in (
           select id from notification_delivery
           where coalesce(settled_at, created_at) < $1 limit $2)`,
      (before) => [before, rowsAtOnce],
    ),
  };
}
