/**
 * The steps of an erasure, table by table, in a transaction of erasure.ts. Each handles any number of rows
 * and locks most of them, which needs SQL.
 */
import type { Transaction } from '../../postgres/database.js';
import { topics } from '../../postgres/notifications.js';
import type { Contacts } from './locks.js';
import { erasedMediaId } from '../shares.js';
import { ownIdIn } from '../statuses.js';

/** The provider's name of a message, which statuses and events use. */
export interface MessageName {
  readonly channel: string;
  readonly messageId: string;
}

/** Expects locked media that are not erased yet. Notifies the callers that wait for one of them. */
export async function eraseMedia(connection: Transaction, ids: readonly string[], now: Date): Promise<void> {
  await connection.query(
    `with m as (
       update media set state = 'erased', erased_at = $2, filename = null, source_url = null, source_reference = null,
                        source_expires_at = null,
                        declared_type = null, declared_sha256 = null, sha256 = null, next_attempt_at = null,
                        error_message = null, person = null, conversation = null, tags = null, note = null
       where id = any($1) returning id
     )
     select pg_notify('${topics.media}', id::text) from m`,
    [ids, now],
  );
  await connection.query('delete from media_attempt where media_id = any($1)', [ids]);
  await connection.query('delete from media_fact where media_id = any($1)', [ids]);
  await connection.query('delete from favourite where media_id = any($1)', [ids]);
  await takeOutOfShares(connection, ids);
}

/** A share keeps the place of each file, and its title until all files are erased. */
async function takeOutOfShares(connection: Transaction, ids: readonly string[]): Promise<void> {
  await connection.query(
    `with locked as (select id from share where media_ids && $1::uuid[] order by id for update)
     update share set
       media_ids = array(select case when media = any($1) then $2 else media end
                         from unnest(media_ids) with ordinality as file (media, position) order by position),
       title = case when exists (select from unnest(media_ids) as media where media <> $2 and media <> all($1)) then title end
     where id in (select id from locked)`,
    [ids, erasedMediaId],
  );
}

/** Expects locked messages, and erases those whose media are all erased. */
export async function eraseMessages(
  connection: Transaction,
  ids: readonly string[],
  now: Date,
): Promise<MessageName[]> {
  const { rows } = await connection.query<MessageName>(
    `update message set sender = '', recipient = null, chat = null, sender_name = null, chat_name = null, person_alias = null,
                        caption = null, sent_at = null,
                        erased_at = $2
     where id = any($1) and erased_at is null
       and not exists (select from media where message_row_id = message.id and state <> 'erased')
     returning channel, message_id as "messageId"`,
    [ids, now],
  );
  return rows;
}

export interface ErasedOutbound {
  readonly count: number;
  /** The names under which their statuses are stored. */
  readonly names: readonly MessageName[];
}

/**
 * Erases requests to send a message: those with one of the media, those that became one of the messages, and
 * those to the person. Messages that still wait are not sent.
 */
export async function eraseOutbound(
  connection: Transaction,
  of: {
    readonly mediaIds: readonly string[];
    readonly messages: readonly MessageName[];
    readonly person?: Contacts | undefined;
  },
  now: Date,
): Promise<ErasedOutbound> {
  const { rows } = await connection.query<{ channel: string; id: string; messageId: string | null }>(
    `with found as (
       select id from outbound where media_id = any($3)
       union
       select id from outbound where (channel, message_id) in (select * from unnest($1::text[], $2::text[]))
       union
       select id from outbound where channel = $4 and recipient = any($5)
     ), locked as (
       select id from outbound where id in (select id from found) and erased_at is null order by id for update
     )
     update outbound set state = 'erased', erased_at = $6, recipient = '', caption = null, filename = null, link = null,
                         reply_to = null, options = '{}', media_id = null, error_message = null, idempotency_key = null,
                         request_hash = null
     where id in (select id from locked)
     returning channel, id, message_id as "messageId"`,
    [...columnsOf(of.messages), of.mediaIds, of.person?.channel ?? null, of.person?.contacts ?? null, now],
  );
  const names = rows.flatMap(({ channel, id, messageId }) => [
    { channel, messageId: id },
    ...(messageId === null ? [] : [{ channel, messageId }]),
  ]);
  return { count: rows.length, names };
}

/** Erases messages without files of the person or the group, and returns how many. */
export async function eraseContexts(
  connection: Transaction,
  { channel, contacts }: Contacts,
  now: Date,
): Promise<number> {
  const { rowCount } = await connection.query(
    `with locked as (
       select id from context where channel = $1 and erased_at is null and (person = any($2) or chat = any($2) or sender = any($2))
       order by id for update
     )
     update context set person = null, chat = null, sender = null, name = null, text = null, latitude = null, longitude = null,
                        sent_at = null, person_name = null, chat_name = null, person_alias = null, erased_at = $3
     where id in (select id from locked)`,
    [channel, contacts, now],
  );
  return rowCount ?? 0;
}

/** Locks the deliveries that brought one of the messages, and `others`, unless they are erased already. */
export async function lockDeliveries(
  connection: Transaction,
  messageIds: readonly string[],
  others: readonly string[],
): Promise<string[]> {
  const brought = await connection.query<{ id: string }>(
    'select distinct delivery_id as id from message where id = any($1) and delivery_id is not null',
    [messageIds],
  );
  const { rows } = await connection.query<{ id: string }>(
    `select id from delivery where erased_at is null and id = any($1) order by id for update`,
    [[...brought.rows.map(({ id }) => id), ...others]],
  );
  return rows.map(({ id }) => id);
}

/** Expects locked deliveries. Their hash remains, so that the same webhook is still recognised. */
export async function eraseDeliveries(
  connection: Transaction,
  ids: readonly string[],
  now: Date,
): Promise<void> {
  await connection.query(
    `update delivery set body = '', headers = '{}', reason = null, erased_at = $2 where id = any($1)`,
    [ids, now],
  );
}

/**
 * Deletes the statuses that these deliveries have reported, also of messages without a row, before their
 * bodies are erased. A delivery may also mention other people, whose existing messages keep their statuses.
 */
export async function forgetReportedStatuses(
  connection: Transaction,
  deliveryIds: readonly string[],
): Promise<MessageName[]> {
  const { rows } = await connection.query<MessageName>(
    `with reported as (
       select status.channel, status.message_id, status.status
       from delivery join message_status as status
         on status.channel = delivery.channel and status.received_at = delivery.received_at
       where delivery.id = any($1)
         and (position(convert_to(status.message_id, 'UTF8') in delivery.body) > 0
              or position(convert_to(replace(status.message_id, '/', '\\/'), 'UTF8') in delivery.body) > 0)
         and not exists (select from message where message.channel = status.channel and message.message_id = status.message_id
                           and message.erased_at is null)
         and not exists (select from outbound where outbound.channel = status.channel and outbound.erased_at is null
                           and outbound.message_id = status.message_id)
         and not exists (select from outbound where outbound.erased_at is null
                           and outbound.id = ${ownIdIn('status.message_id')})
       order by status.channel, status.message_id, status.status for update of status
     )
     delete from message_status where (channel, message_id, status) in (select * from reported)
     returning channel, message_id as "messageId"`,
    [deliveryIds],
  );
  return rows;
}

export async function forgetStatuses(
  connection: Transaction,
  messages: readonly MessageName[],
): Promise<void> {
  await connection.query(
    `with known as (
       select channel, message_id, status from message_status
       where (channel, message_id) in (select * from unnest($1::text[], $2::text[]))
       order by channel, message_id, status for update
     )
     delete from message_status where (channel, message_id, status) in (select * from known)`,
    columnsOf(messages),
  );
}

/** Deletes the events of the media and the messages, and their deliveries to subscriptions. */
export async function forgetEvents(
  connection: Transaction,
  mediaIds: readonly string[],
  messages: readonly MessageName[],
): Promise<void> {
  const { rows } = await connection.query<{ id: string }>(
    `select id from notification where id in (
       select id from notification where media_id = any($3)
       union
       select notification.id from unnest($1::text[], $2::text[]) as name (channel, message_id)
         join notification using (channel, message_id))
     order by id for update`,
    [...columnsOf(messages), mediaIds],
  );
  const ids = rows.map(({ id }) => id);
  // Separate statements, because the publisher may have locked the events and planned their deliveries until
  // now.
  await connection.query('delete from notification_delivery where notification_id = any($1)', [ids]);
  await connection.query('delete from notification where id = any($1)', [ids]);
}

function columnsOf(messages: readonly MessageName[]): [channels: string[], messageIds: string[]] {
  return [messages.map(({ channel }) => channel), messages.map(({ messageId }) => messageId)];
}
