/**
 * What becomes of a message that its provider has accepted. Rows are locked in the order in which an erasure
 * locks them: message, media, and then the rest.
 */
import { newId } from '../../../domain/id.js';
import { transaction, undone, type Pool, type Transaction } from '../../postgres/database.js';
import { topics } from '../../postgres/notifications.js';
import { addFirstFetchJobs, announcement } from '../../queue/tasks.js';
import { eraseSent } from '../erasure/erase-all.js';
import { eraseOutbound } from '../erasure/steps.js';
import type { Waiting } from './waiting.js';

export interface Acceptance {
  readonly message: Waiting;
  /** The provider's id of the message. */
  readonly messageId: string;
  readonly now: Date;
}

/** `sending` or `unknown` → `sent`, with the message that now exists, its media and its status. */
export async function recordAcceptance(pool: Pool, acceptance: Acceptance): Promise<void> {
  const isWanted = await transaction(pool, async (connection) => {
    const settled = await settleAccepted(connection, acceptance);
    return settled || undone(false);
  });
  if (isWanted) return;
  // It was erased while it was being sent. The provider has it, and no webhook may bring it back.
  const { message, messageId, now } = acceptance;
  const { channel, provider } = message;
  await transaction(pool, (connection) => eraseSent(connection, { channel, provider, messageId, now }));
}

/**
 * Resolves to false if the message was erased in the meantime; the transaction is then to be undone. Webhooks
 * may have reported the message already: what they brought stays.
 */
async function settleAccepted(connection: Transaction, acceptance: Acceptance): Promise<boolean> {
  const { message, messageId, now } = acceptance;
  const messageRowId = await insertMessage(connection, acceptance);
  await connection.query('select from media where id = $1 for update', [message.mediaId]);
  const mediaId = messageRowId === null ? null : await attach(connection, acceptance, messageRowId);
  const { rowCount } = await connection.query(
    `update outbound set state = 'sent', message_id = $2, sent_at = $3, error_code = null, error_message = null,
                         media_id = coalesce($4, media_id)
     where id = $1 and state in ('sending', 'unknown')`,
    [message.id, messageId, now, mediaId],
  );
  if (rowCount !== 1) return false;
  if (messageRowId === null) {
    // A webhook has brought the message, and it was erased, so the request to send it is erased as well.
    const name = { channel: message.channel, messageId };
    await eraseOutbound(connection, { mediaIds: [], messages: [name] }, now);
    return true;
  }
  await connection.query(insertSentStatus, [message.channel, messageId, now]);
  return true;
}

/** Resolves to the id of the row, or to null if the message was erased. */
async function insertMessage(
  connection: Transaction,
  { message, messageId, now }: Acceptance,
): Promise<string | null> {
  const { rows } = await connection.query<{ id: string }>(
    `insert into message as known (id, channel, provider, message_id, direction, sender, recipient, caption, sent_at, received_at)
     values ($1, $2, $3, $4, 'outbound', '', $5, $6, $7, $7)
     on conflict (channel, message_id) do update
     set recipient = coalesce(known.recipient, excluded.recipient), caption = coalesce(known.caption, excluded.caption)
     where known.erased_at is null
     returning id`,
    [newId(), message.channel, message.provider, messageId, message.recipient, message.caption, now],
  );
  return rows[0]?.id ?? null;
}

/** The status with its event, unless a webhook has already reported a further status. */
const insertSentStatus = `
  with s as (
    insert into message_status (channel, message_id, status, at, received_at) values ($1, $2, 'sent', $3, $3)
    on conflict (channel, message_id, status) do nothing returning channel, message_id, status
  )
  insert into notification (type, channel, message_id, status)
  select 'message.status', channel, message_id, status from s
  where not exists (select from message_status as further where further.channel = s.channel
                      and further.message_id = s.message_id and further.status in ('delivered', 'read'))
  returning pg_notify('${topics.outbox}', '')`;

/**
 * Attaches the media item that shows the message and resolves to its id. It is the one that was stored for
 * it, a new one with the same bytes if that one belongs to another message already, or, for a link, a new one
 * that is fetched now. Null if a webhook has brought the message with its own media.
 */
async function attach(
  connection: Transaction,
  { message, now }: Acceptance,
  messageRowId: string,
): Promise<string | null> {
  const { rows } = await connection.query<{ id: string }>(
    `update media set message_row_id = $2
     where id = $1 and message_row_id is null and state = 'ready' and direction = 'outbound' and channel = $3 and kind = $4
       and not exists (select from media as other where other.message_row_id = $2 and other.kind = $4)
     returning id`,
    [message.mediaId, messageRowId, message.channel, message.kind],
  );
  if (rows[0]) return rows[0].id;
  const { rows: made } = await connection.query<{ id: string }>(
    `with m as (
       insert into media (id, channel, provider, message_row_id, position, direction, kind, state, source_url, filename,
                          received_at, ready_at, next_attempt_at, sha256)
       select $1, $2, $3, $4, 0, 'outbound', $5, case when held.id is null then 'pending' else 'ready' end,
              case when held.id is null then $6::text end, $7, $8, case when held.id is not null then greatest(now(), $8::timestamptz) end,
              case when held.id is null then $8::timestamptz end, held.sha256
       from (select) as always left join media as held on held.id = $9 and held.state = 'ready'
       where (held.id is not null or $6::text is not null)
         and not exists (select from media as other where other.message_row_id = $4 and other.kind = $5)
       on conflict (message_row_id, kind, (coalesce(file_key, position::text))) do nothing returning id, state
     ), jobs as (${addFirstFetchJobs(`select id from m where state = 'pending'`)})
     select id, ${announcement('jobs')} from m`,
    [
      newId(),
      message.channel,
      message.provider,
      messageRowId,
      message.kind,
      message.link,
      message.filename,
      now,
      message.mediaId,
    ],
  );
  return made[0]?.id ?? null;
}
