/**
 * Deletes data that is only kept for a while, a few thousand rows at a time, so that no other transaction
 * waits for it long. Batches that lock rows are SQL.
 *
 * Each batch continues after the last row of the previous one. From the beginning, it would walk over
 * everything that earlier batches have deleted, which stays in tables and indexes until they are vacuumed,
 * and each batch would take longer than the one before.
 *
 * What a legal hold keeps is set aside (`parked_by`), out of the indexes that the batches follow, so that it is
 * looked at once and not in every run. When the hold has ended, parked.ts brings it back.
 */
import { embeddedPrefix } from '../../../domain/embedded.js';
import { lowestIdAt } from '../../../domain/id.js';
import { aroundMinutes } from '../../../domain/keep-texts.js';
import { transaction, type Pool, type Together, type Transaction } from '../../postgres/database.js';
import { keepHoldsOut } from '../holds.js';
import { findHeldDeliveries, type Held } from './held.js';

export interface RetentionBatch {
  /** Data from before this moment is deleted. */
  readonly before: Date;
  /** The `next` of the previous batch; undefined for the first one. */
  readonly after: string | undefined;
}

/** Data of one channel, since channels are kept for different times. */
export interface ChannelBatch extends RetentionBatch {
  readonly channel: string;
}

export interface Deleted {
  readonly count: number;
  /** Where the next batch continues; undefined if nothing older is left. */
  readonly next: string | undefined;
}

/** Deletes one batch, the oldest rows first. */
type DeleteBatch<Batch> = (batch: Batch, together: (count: number) => Together) => Promise<Deleted>;

export interface Retention {
  /** Requests to send a message, unless they still wait; their media and messages are erased separately. */
  readonly outbound: DeleteBatch<ChannelBatch>;
  /** Messages without files. */
  readonly contexts: DeleteBatch<ChannelBatch>;
  /** Messages without files that no file has arrived around; `before` is when that is known. */
  readonly loneContexts: DeleteBatch<RetentionBatch>;
  /** Raw webhooks; their messages forget which one brought them. */
  readonly deliveries: DeleteBatch<ChannelBatch>;
  /** Published events, unless one of them is still to be delivered to a subscription. */
  readonly events: DeleteBatch<RetentionBatch>;
  /** The outcomes of deliveries of events to subscriptions. */
  readonly notices: DeleteBatch<RetentionBatch>;
}

const batchSize = 2_000;
/** For each of these, twenty places of an index are looked at. */
const loneBatchSize = 500;
/**
 * Messages are written right after their delivery, except those that came through the spool. Messages that
 * are written even later keep the id of a delivery that no longer exists, which all readers handle.
 */
const maxMessageDelayMs = 3_600_000;

export function createRetention(pool: Pool): Retention {
  const inTransaction =
    <Batch extends RetentionBatch>(
      work: (connection: Transaction, batch: Batch) => Promise<Deleted>,
    ): DeleteBatch<Batch> =>
    (batch, together) =>
      transaction(pool, async (connection) => {
        await keepHoldsOut(connection);
        const deleted = await work(connection, batch);
        if (deleted.count > 0) await together(deleted.count)(connection);
        return deleted;
      });
  return {
    outbound: inTransaction(deleteOutbound),
    contexts: inTransaction(deleteContexts),
    loneContexts: inTransaction(deleteLoneContexts),
    deliveries: inTransaction(deleteDeliveries),
    events: inTransaction(deleteEvents),
    notices: inTransaction(deleteNotices),
  };
}

const lowestUuid = lowestIdAt(new Date(0));

/** The first hold of some, if there are holds at all. */
const firstHold = (holds: string): string =>
  `case when exists (select from legal_hold) then (select hold from ${holds} as kept (hold) order by hold limit 1) end`;

/** Deletes the rows of `judged`, or sets them aside for their hold. */
const deleteUnlessHeld = (table: string): string => `
  parked as (
    update ${table} set parked_by = judged.hold from judged where judged.id = ${table}.id and judged.hold is not null
  ), gone as (
    delete from ${table} where id in (select id from judged where hold is null)
  )
  select id, hold is null as "isGone" from judged order by id`;

async function deleteOutbound(
  connection: Transaction,
  { channel, before, after }: ChannelBatch,
): Promise<Deleted> {
  const holds = `(select holds_of_contacts(channel, array[recipient]) union select holds_of_media(media_id))`;
  const { rows } = await connection.query<Judged>(
    `with old as materialized (
       select id, channel, recipient, media_id from outbound
       where channel = $5 and parked_by is null and id > $4 and id < $2 and created_at < $1
         and state not in ('queued', 'sending')
       order by id limit $3 for update skip locked
     ), judged as materialized (
       select id, ${firstHold(holds)} as hold from old
     ), ${deleteUnlessHeld('outbound')}`,
    [before, lowestIdAt(before), batchSize, after ?? lowestUuid, channel],
  );
  return deletedOf(rows, batchSize);
}

async function deleteContexts(
  connection: Transaction,
  { channel, before, after }: ChannelBatch,
): Promise<Deleted> {
  const { rows } = await connection.query<Judged>(
    `with old as materialized (
       select id, channel, person, chat, sender from context
       where channel = $5 and parked_by is null and id > $4 and id < $2 and received_at < $1
       order by id limit $3 for update skip locked
     ), judged as materialized (
       select id, ${firstHold('holds_of_contacts(channel, array[person, chat, sender])')} as hold from old
     ), ${deleteUnlessHeld('context')}`,
    [before, lowestIdAt(before), batchSize, after ?? lowestUuid, channel],
  );
  return deletedOf(rows, batchSize);
}

/** Files of the person or of the group are found by the indexes that list them in their order. */
async function deleteLoneContexts(
  connection: Transaction,
  { before, after }: RetentionBatch,
): Promise<Deleted> {
  const around = `between first_id_at(old.received_at - interval '${String(aroundMinutes)} minutes')
                      and first_id_at(old.received_at + interval '${String(aroundMinutes)} minutes')`;
  const filesOf = (column: string, owner: string, directions: string): string => `
    exists (
      select from unnest('{image,video,audio,document,sticker}'::text[]) as of_kind (kind)
      cross join unnest('{${directions}}'::text[]) as of_direction (direction)
      cross join unnest('{pending,ready,rejected,failed}'::text[]) as of_state (state)
      cross join lateral (
        select from media where media.${column} = ${owner} and media.channel = old.channel and media.kind = of_kind.kind
          and media.direction = of_direction.direction and media.state = of_state.state and media.id ${around} limit 1
      ) as one)`;
  const { rows } = await connection.query<Judged>(
    `with old as materialized (
       select id, channel, person, chat, sender, received_at from context
       where is_provisional and parked_by is null and erased_at is null and id > $4 and id < $2 and received_at < $1
       order by id limit $3 for update skip locked
     ), looked_at as materialized (
       select id, case when chat is not null then ${filesOf('conversation', 'old.chat', 'inbound,outbound')}
                  else ${filesOf('person', 'old.person', 'inbound')}
                    or exists (select from message where message.recipient = old.person and message.channel = old.channel
                                 and message.direction = 'outbound' and message.id ${around}) end as "isKept",
              ${firstHold('holds_of_contacts(channel, array[person, chat, sender])')} as hold
       from old
     ), kept as (
       update context set is_provisional = false where id in (select id from looked_at where "isKept")
     ), parked as (
       update context set parked_by = looked_at.hold from looked_at
       where looked_at.id = context.id and not "isKept" and looked_at.hold is not null
     ), gone as (
       delete from context where id in (select id from looked_at where not "isKept" and hold is null)
     )
     select id, not "isKept" and hold is null as "isGone" from looked_at order by id`,
    [before, lowestIdAt(before), loneBatchSize, after ?? lowestUuid],
  );
  return deletedOf(rows, loneBatchSize);
}

async function deleteDeliveries(
  connection: Transaction,
  { channel, before, after }: ChannelBatch,
): Promise<Deleted> {
  // Ids sort by time, so an index of each channel leads to the old rows.
  const { rows } = await connection.query<{ id: string; receivedAt: Date }>(
    `select id, received_at as "receivedAt" from delivery
     where channel = $5 and parked_by is null and id > $4 and id < $2 and received_at < $1
     order by id limit $3`,
    [before, lowestIdAt(before), batchSize, after ?? lowestUuid, channel],
  );
  const [first] = rows;
  if (!first) return { count: 0, next: undefined };
  const latest = Math.max(...rows.map(({ receivedAt }) => receivedAt.getTime()));
  const lastMessage = lowestIdAt(new Date(latest + maxMessageDelayMs));
  // The only copy of a file that has not been read yet is in its webhook.
  const { rows: awaited } = await connection.query<{ id: string }>(
    `select message.delivery_id as id from message join media on media.message_row_id = message.id
     where message.id > $1 and message.id < $2 and message.delivery_id = any($3)
       and media.state = 'pending' and media.source_reference like $4
     union all
     select source_delivery_id from media
     where source_delivery_id = any($3) and state = 'pending' and source_reference like $4`,
    [first.id, lastMessage, rows.map(({ id }) => id), `${embeddedPrefix}%`],
  );
  const due = rows.map(({ id }) => id);
  const held = await findHeldDeliveries(connection, due);
  const kept = new Set([...awaited.map(({ id }) => id), ...held.keys()]);
  const ids = due.filter((id) => !kept.has(id));
  // Messages are locked before deliveries, and all deliveries in one order, as an erasure locks them;
  // otherwise, each could wait for the other.
  await connection.query(
    `update message set delivery_id = null where id in (
       select id from message where id > $1 and id < $2 and delivery_id = any($3) order by id for update)`,
    [first.id, lastMessage, ids],
  );
  await connection.query('select from delivery where id = any($1) order by id for update', [
    [...ids, ...held.keys()],
  ]);
  await parkDeliveries(connection, held);
  const deleted = await connection.query('delete from delivery where id = any($1)', [ids]);
  return { count: deleted.rowCount ?? 0, next: nextOf(rows) };
}

/** Expects locked deliveries. */
async function parkDeliveries(connection: Transaction, held: Held): Promise<void> {
  if (held.size === 0) return;
  await connection.query(
    `update delivery set parked_by = held.hold from unnest($1::uuid[], $2::uuid[]) as held (id, hold)
     where delivery.id = held.id`,
    [[...held.keys()], [...held.values()]],
  );
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
 * The rows of a page from before the moment. A page without such rows is the last one, unless the clock of
 * the database was wrong: rows from the future say nothing about the rows after them.
 */
function oldRowsOf(rows: readonly NumberedRow[], before: Date): OldRows {
  const now = new Date();
  const ids = rows.filter(({ createdAt }) => createdAt < before).map(({ id }) => id);
  const isLast = rows.every(({ createdAt }) => createdAt >= before && createdAt <= now);
  return { ids, next: isLast ? undefined : nextOf(rows) };
}

/** A row that was looked at. */
interface Judged {
  readonly id: string;
  readonly isGone: boolean;
}

function deletedOf(rows: readonly Judged[], size: number): Deleted {
  const next = rows.length === size ? rows.at(-1)?.id : undefined;
  return { count: rows.filter(({ isGone }) => isGone).length, next };
}

/** The last id of a full page. */
function nextOf(rows: readonly { readonly id: string }[]): string | undefined {
  return rows.length === batchSize ? rows.at(-1)?.id : undefined;
}
