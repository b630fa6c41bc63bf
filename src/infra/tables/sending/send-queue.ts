/**
 * What waits to be sent, for the one job that sends for a channel. A message is `sending`, committed, before its request goes
 * out: so whatever dies in between, nobody takes it for one that was not sent. All of it is SQL: it claims, locks and books by the clock of
 * the database, which all processes share.
 */
import { newId } from '../../../domain/id.js';
import type { MediaKind } from '../../../domain/provider.js';
import type { SendOptions } from '../../../domain/sending.js';
import {
  repeatConflicts,
  transaction,
  undone,
  type Pool,
  type Transaction,
} from '../../postgres/database.js';
import { topics } from '../../postgres/notifications.js';
import { columnsOf } from '../../postgres/pages.js';
import { addFirstFetchJobs, addSendJobs, sendJobOf } from '../../queue/tasks.js';
import { eraseSent } from '../erasure/erasure.js';
import { eraseOutbound } from '../erasure/steps.js';

/** What the worker needs to know of a message. */
export interface Waiting {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly recipient: string;
  readonly kind: MediaKind;
  readonly mediaId: string | null;
  readonly link: string | null;
  readonly type: string | null;
  readonly bytes: number | null;
  readonly caption: string | null;
  readonly filename: string | null;
  readonly replyTo: string | null;
  readonly options: SendOptions;
  readonly attempts: number;
  readonly createdAt: Date;
  /** Of the media's bytes; null for a link, and when they are gone. */
  readonly sha256: string | null;
}

export interface SendError {
  readonly code: string;
  readonly message: string;
}

export interface Pace {
  readonly intervalMs: number;
  readonly aheadMs: number;
}

export interface SendQueue {
  /** The next message of the channel: the oldest one whose time has come, and none of whose recipient's is before it. */
  readonly next: (channel: string) => Promise<Waiting | undefined>;
  /**
   * `queued` → `sending`, if the channel's rate allows it now. False: it does not, or the message is no longer queued.
   * All processes book in the same row, so that they keep to one rate together.
   */
  readonly claim: (message: Pick<Waiting, 'id' | 'channel'>, pace: Pace) => Promise<boolean>;
  /** Milliseconds until the channel may send again; 0: now. */
  readonly waitForPace: (channel: string, pace: Pace) => Promise<number>;
  /** Milliseconds until the time of the next message comes that waits for one; undefined: none waits. */
  readonly waitForNext: (channel: string) => Promise<number | undefined>;
  /** The provider has it: `sending` or `unknown` → `sent`, with the message that it is now, its media and its status. */
  readonly accepted: (message: Waiting, messageId: string) => Promise<void>;
  /** `sending` → `failed` or `unknown`. */
  readonly ended: (id: string, state: 'failed' | 'unknown', error: SendError) => Promise<void>;
  /** `sending` → `queued`. With `blocksChannel`, nothing else is sent in the channel before then either. */
  readonly postponed: (
    message: Waiting,
    again: { readonly afterMs: number; readonly blocksChannel: boolean; readonly error: SendError },
  ) => Promise<void>;
  /** Those that a process left in the middle: `sending` → `unknown`. Only for who has the channel's job. */
  readonly abandon: (channel: string, error: SendError) => Promise<number>;
  /** Everything that is not sent yet: `queued` and `sending` → `unknown`. */
  readonly abandonAll: (error: SendError) => Promise<number>;
  /** Those of a channel that cannot send, waiting since before the moment: `queued` → `failed`. */
  readonly giveUp: (channel: string, before: Date, error: SendError) => Promise<void>;
  /** The job again, in so many milliseconds, unless it is to run before. */
  readonly resume: (channel: string, afterMs: number) => Promise<void>;
  /** What was left behind: channels without a job get one, messages that a webhook has named are settled, old keys go. */
  readonly reconcile: () => Promise<void>;
}

const columns = columnsOf<Waiting>({
  id: 'o.id',
  channel: 'o.channel',
  provider: 'o.provider',
  recipient: 'o.recipient',
  kind: 'o.kind',
  mediaId: 'o.media_id',
  link: 'o.link',
  type: 'o.type',
  bytes: 'o.bytes::float8',
  caption: 'o.caption',
  filename: 'o.filename',
  replyTo: 'o.reply_to',
  options: 'o.options',
  attempts: 'o.attempts',
  createdAt: 'o.created_at',
  sha256: 'media.sha256',
});

const isNextOfRecipient = `o.channel = $1 and o.state = 'queued' and not exists (
  select from outbound as earlier where earlier.channel = o.channel and earlier.recipient = o.recipient
    and earlier.state in ('queued', 'sending') and earlier.place < o.place)`;

/** What happened to the messages in `o` (id, channel, state, error_code, error_message) as their status, with its event. */
const tell = (now: string): string => `
  s as (
    insert into message_status (channel, message_id, status, at, error_code, error_message, received_at)
    select channel, id::text, state, ${now}, error_code, error_message, ${now} from o
    on conflict (channel, message_id, status) do nothing returning channel, message_id, status
  )
  insert into notification (type, channel, message_id, status)
  select 'message.status', channel, message_id, status from s returning pg_notify('${topics.outbox}', '')`;

const keyLifetimeMs = 86_400_000;

export function createSendQueue(pool: Pool, now: () => Date): SendQueue {
  const end = async (condition: string, values: readonly unknown[]): Promise<number> => {
    const { rowCount } = await repeatConflicts(() =>
      pool.query(
        `with ended as (select id from outbound where ${condition} order by id for update), o as (
           update outbound set state = $1, error_code = $2, error_message = $3 where id in (select id from ended)
           returning id, channel, state, error_code, error_message
         ), ${tell('$4::timestamptz')}`,
        [...values],
      ),
    );
    return rowCount ?? 0;
  };
  const queue: SendQueue = {
    next: async (channel) => {
      const { rows } = await pool.query<Waiting>({
        name: 'send-next',
        text: `select ${columns} from outbound as o left join media on media.id = o.media_id and media.state = 'ready'
               where ${isNextOfRecipient} and o.not_before <= now()
               order by o.place limit 1`,
        values: [channel],
      });
      return rows[0];
    },
    claim: async ({ id, channel }, { intervalMs, aheadMs }) => {
      const { rowCount } = await pool.query({
        name: 'send-claim',
        text: `with pace as (
                 insert into send_pace as p (channel, booked_until)
                 values ($2, clock_timestamp() + $3 * interval '1 ms')
                 on conflict (channel) do update
                 set booked_until = greatest(p.booked_until, clock_timestamp()) + $3 * interval '1 ms'
                 where p.booked_until <= clock_timestamp() + $4 * interval '1 ms'
                   and coalesce(p.blocked_until, '-infinity') <= clock_timestamp()
                 returning channel
               )
               update outbound set state = 'sending', attempts = attempts + 1
               where id = $1 and state = 'queued' and exists (select from pace)`,
        values: [id, channel, intervalMs, aheadMs],
      });
      return rowCount === 1;
    },
    waitForPace: async (channel, { aheadMs }) => {
      const { rows } = await pool.query<{ ms: number }>({
        name: 'send-wait',
        text: `select extract(epoch from greatest(booked_until - $2 * interval '1 ms', blocked_until, clock_timestamp())
                                         - clock_timestamp())::float8 * 1000 as ms
               from send_pace where channel = $1`,
        values: [channel, aheadMs],
      });
      return Math.max(0, Math.ceil(rows[0]?.ms ?? 0));
    },
    waitForNext: async (channel) => {
      const { rows } = await pool.query<{ ms: number | null }>(
        `select extract(epoch from min(not_before) - clock_timestamp())::float8 * 1000 as ms
         from outbound as o where ${isNextOfRecipient}`,
        [channel],
      );
      const ms = rows[0]?.ms;
      return ms == null ? undefined : Math.max(0, Math.ceil(ms));
    },
    accepted: async (message, messageId) => {
      const moment = now();
      const isWanted = await transaction(pool, async (connection) => {
        const settled = await settleAccepted(connection, { message, messageId, now: moment });
        return settled || undone(false);
      });
      // Erased while it was on its way: the provider has it, and no webhook may bring it back.
      const { channel, provider } = message;
      if (!isWanted)
        await transaction(pool, (connection) =>
          eraseSent(connection, { channel, provider, messageId, now: moment }),
        );
    },
    ended: async (id, state, { code, message }) => {
      await end(`id = $5 and state = 'sending'`, [state, code, message, now(), id]);
    },
    postponed: async ({ id, channel }, { afterMs, blocksChannel, error }) => {
      await pool.query(
        `with o as (
           update outbound set state = 'queued', not_before = clock_timestamp() + $2 * interval '1 ms', error_code = $3,
                               error_message = $4
           where id = $1 and state = 'sending' returning channel
         )
         update send_pace set blocked_until = greatest(blocked_until, clock_timestamp() + $2 * interval '1 ms')
         where channel = $5 and $6`,
        [id, afterMs, error.code, error.message, channel, blocksChannel],
      );
    },
    abandon: (channel, { code, message }) =>
      end(`channel = $5 and state = 'sending'`, ['unknown', code, message, now(), channel]),
    abandonAll: ({ code, message }) =>
      end(`state in ('queued', 'sending')`, ['unknown', code, message, now()]),
    giveUp: async (channel, before, { code, message }) => {
      await end(`channel = $5 and state = 'queued' and created_at < $6`, [
        'failed',
        code,
        message,
        now(),
        channel,
        before,
      ]);
    },
    resume: async (channel, afterMs) => {
      await pool.query(
        addSendJobs('select $1::text as channel', {
          runAt: `now() + $2 * interval '1 ms'`,
          keepsTime: true,
        }),
        [channel, afterMs],
      );
    },
    reconcile: async () => {
      await settleNamed(pool, queue);
      await pool.query(
        `update outbound set idempotency_key = null, request_hash = null where id in (
           select id from outbound where idempotency_key is not null and created_at < $1
           order by id for update skip locked)`,
        [new Date(now().getTime() - keyLifetimeMs)],
      );
      await pool.query(addMissingJobs);
    },
  };
  return queue;
}

const addMissingJobs = addSendJobs(`
  select channel from (select channel from outbound where state in ('queued', 'sending') group by channel) as waiting
  where not exists (${sendJobOf('waiting.channel')})`);

/** A provider that was given our id may name it in a webhook after its answer was lost: then it has taken the message. */
async function settleNamed(pool: Pool, queue: SendQueue): Promise<void> {
  const { rows } = await pool.query<Waiting>(
    `select ${columns} from outbound as o left join media on media.id = o.media_id and media.state = 'ready'
     where o.state = 'unknown' and exists (
       select from message_status as s where s.channel = o.channel and s.message_id = o.id::text
         and s.status in ('sent', 'delivered', 'read'))
     limit 1000`,
  );
  for (const message of rows) await queue.accepted(message, message.id);
}

interface Acceptance {
  readonly message: Waiting;
  readonly messageId: string;
  readonly now: Date;
}

/**
 * Whether it was still wanted; if not, the transaction is to be undone. Rows are locked as erasing locks them: message, media, and the rest. Webhooks may have told of
 * the message already: what they brought stays.
 */
async function settleAccepted(connection: Transaction, acceptance: Acceptance): Promise<boolean> {
  const { message, messageId, now } = acceptance;
  const { rows: known } = await connection.query<{ id: string }>(
    `insert into message as known (id, channel, provider, message_id, direction, sender, recipient, caption, sent_at, received_at)
     values ($1, $2, $3, $4, 'outbound', '', $5, $6, $7, $7)
     on conflict (channel, message_id) do update
     set recipient = coalesce(known.recipient, excluded.recipient), caption = coalesce(known.caption, excluded.caption)
     where known.erased_at is null
     returning id`,
    [newId(), message.channel, message.provider, messageId, message.recipient, message.caption, now],
  );
  await connection.query('select from media where id = $1 for update', [message.mediaId]);
  const mediaId = known[0] ? await attach(connection, acceptance, known[0].id) : null;
  const { rowCount } = await connection.query(
    `update outbound set state = 'sent', message_id = $2, sent_at = $3, error_code = null, error_message = null,
                         media_id = coalesce($4, media_id)
     where id = $1 and state in ('sending', 'unknown')`,
    [message.id, messageId, now, mediaId],
  );
  if (rowCount !== 1) return false;
  if (!known[0]) {
    // A webhook has brought the message, and it was erased: so is what was asked for.
    const name = { channel: message.channel, messageId };
    await eraseOutbound(connection, { mediaIds: [], messages: [name] }, now);
    return true;
  }
  await connection.query(
    `with s as (
       insert into message_status (channel, message_id, status, at, received_at) values ($1, $2, 'sent', $3, $3)
       on conflict (channel, message_id, status) do nothing returning channel, message_id, status
     )
     insert into notification (type, channel, message_id, status)
     select 'message.status', channel, message_id, status from s
     where not exists (select from message_status as further where further.channel = s.channel
                         and further.message_id = s.message_id and further.status in ('delivered', 'read'))
     returning pg_notify('${topics.outbox}', '')`,
    [message.channel, messageId, now],
  );
  return true;
}

/**
 * The media that shows the message: the one that was kept for it, or, when that belongs to another message already, one of the
 * same bytes; for a foreign link one that is fetched now. Null when a webhook has brought the message with its own.
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
       on conflict (message_row_id, kind, position) do nothing returning id, state
     ), jobs as (${addFirstFetchJobs(`select id from m where state = 'pending'`)})
     select id from m, jobs`,
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
