/**
 * Deletes data that is only kept for a while, a few thousand rows at a time, so that no other transaction waits
 * for it long. Batches that lock rows are SQL.
 *
 * Each batch continues after the last row of the previous one. From the beginning, it would walk over
 * everything that earlier batches have deleted, which stays in tables and indexes until they are vacuumed, and
 * each batch would take longer than the one before.
 */
import { lowestIdAt } from '../../../domain/id.js';
import { transaction, type Pool, type Together, type Transaction } from '../../postgres/database.js';

export interface RetentionBatch {
  /** Data from before this moment is deleted. */
  readonly before: Date;
  /** The `next` of the previous batch; undefined for the first one. */
  readonly after: string | undefined;
}

export interface Deleted {
  readonly count: number;
  /** Where the next batch continues; undefined if nothing older is left. */
  readonly next: string | undefined;
}

/** Deletes one batch, the oldest rows first. */
type DeleteBatch = (batch: RetentionBatch, together: (count: number) => Together) => Promise<Deleted>;

export interface Retention {
  /** Requests to send a message, unless they still wait; their media and messages are erased separately. */
  readonly outbound: DeleteBatch;
  /** Raw webhooks; their messages forget which one brought them. */
  readonly deliveries: DeleteBatch;
  /** Published events, unless one of them is still to be delivered to a subscription. */
  readonly events: DeleteBatch;
  /** The outcomes of deliveries of events to subscriptions. */
  readonly notices: DeleteBatch;
}

const batchSize = 2_000;
/**
 * Messages are written right after their delivery, except those that came through the spool. Messages that are
 * written even later keep the id of a delivery that no longer exists, which all readers handle.
 */
const maxMessageDelayMs = 3_600_000;

type Work = (connection: Transaction, batch: RetentionBatch) => Promise<Deleted>;

export function createRetention(pool: Pool): Retention {
  const inTransaction =
    (work: Work): DeleteBatch =>
    (batch, together) =>
      transaction(pool, async (connection) => {
        const deleted = await work(connection, batch);
        if (deleted.count > 0) await together(deleted.count)(connection);
        return deleted;
      });
  return {
    outbound: inTransaction(deleteOutbound),
    deliveries: inTransaction(deleteDeliveries),
    events: inTransaction(deleteEvents),
    notices: inTransaction(deleteNotices),
  };
}

const lowestUuid = lowestIdAt(new Date(0));

async function deleteOutbound(connection: Transaction, { before, after }: RetentionBatch): Promise<Deleted> {
  const { rows } = await connection.query<{ id: string }>(
    `with old as (
       select id from outbound where id > $4 and id < $2 and created_at < $1 and state not in ('queued', 'sending')
       order by id limit $3 for update skip locked
     ), gone as (
       delete from outbound where id in (select id from old)
     )
     select id from old order by id`,
    [before, lowestIdAt(before), batchSize, after ?? lowestUuid],
  );
  return { count: rows.length, next: nextOf(rows) };
}

async function deleteDeliveries(
  connection: Transaction,
  { before, after }: RetentionBatch,
): Promise<Deleted> {
  // Ids sort by time, so the primary key leads to the old rows.
  const { rows } = await connection.query<{ id: string; receivedAt: Date }>(
    `select id, received_at as "receivedAt" from delivery where id > $4 and id < $2 and received_at < $1
     order by id limit $3`,
    [before, lowestIdAt(before), batchSize, after ?? lowestUuid],
  );
  if (rows.length === 0) return { count: 0, next: undefined };
  const ids = rows.map(({ id }) => id);
  const latest = Math.max(...rows.map(({ receivedAt }) => receivedAt.getTime()));
  // Messages are locked before deliveries, as an erasure locks them; otherwise, each could wait for the other.
  await connection.query(
    `update message set delivery_id = null where id in (
       select id from message where id > $1 and id < $2 and delivery_id = any($3) order by id for update)`,
    [ids[0], lowestIdAt(new Date(latest + maxMessageDelayMs)), ids],
  );
  const deleted = await connection.query(
    `delete from delivery where id in (select id from delivery where id = any($1) order by id for update)`,
    [ids],
  );
  return { count: deleted.rowCount ?? 0, next: nextOf(rows) };
}

async function deleteEvents(connection: Transaction, { before, after }: RetentionBatch): Promise<Deleted> {
  const { rows } = await connection.query<NumberedRow>(
    'select id, created_at as "createdAt" from notification where id > $1 order by id limit $2',
    [after ?? '0', batchSize],
  );
  const { ids, next } = oldRowsOf(rows, before);
  // A client that continues after a deleted event has missed some, so the last deleted number is stored.
  const { rowCount } = await connection.query(
    `with settled as (
       select id from notification where id = any($1) and seq is not null and not exists (
         select from notification_delivery as delivery
         where delivery.notification_id = notification.id and delivery.settled_at is null)
       order by id for update
     ), gone as (
       delete from notification where id in (select id from settled) returning seq
     ), noted as (
       insert into event_horizon (id, seq) select 1, max(seq) from gone having count(*) > 0
       on conflict (id) do update set seq = greatest(event_horizon.seq, excluded.seq)
     )
     select seq from gone`,
    [ids],
  );
  return { count: rowCount ?? 0, next };
}

async function deleteNotices(connection: Transaction, { before, after }: RetentionBatch): Promise<Deleted> {
  const { rows } = await connection.query<NumberedRow>(
    'select id, created_at as "createdAt" from notification_delivery where id > $1 order by id limit $2',
    [after ?? '0', batchSize],
  );
  const { ids, next } = oldRowsOf(rows, before);
  const { rowCount } = await connection.query(
    `delete from notification_delivery where id in (
       select id from notification_delivery where id = any($1) and coalesce(settled_at, created_at) < $2
       order by id for update)`,
    [ids, before],
  );
  return { count: rowCount ?? 0, next };
}

/** A row whose id comes from a sequence, so that ids sort nearly by time. */
interface NumberedRow {
  readonly id: string;
  readonly createdAt: Date;
}

interface OldRows {
  readonly ids: readonly string[];
  readonly next: string | undefined;
}

/**
 * The rows of a page from before the moment. A page without such rows is the last one, unless the clock of the
 * database was wrong: rows from the future say nothing about the rows after them.
 */
function oldRowsOf(rows: readonly NumberedRow[], before: Date): OldRows {
  const now = new Date();
  const ids = rows.filter(({ createdAt }) => createdAt < before).map(({ id }) => id);
  const isLast = rows.every(({ createdAt }) => createdAt >= before && createdAt <= now);
  return { ids, next: isLast ? undefined : nextOf(rows) };
}

/** The last id of a full page. */
function nextOf(rows: readonly { readonly id: string }[]): string | undefined {
  return rows.length === batchSize ? rows.at(-1)?.id : undefined;
}
