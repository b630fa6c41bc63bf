/**
 * The messages that wait to be sent, for the one job that sends for a channel. A message is committed as
 * `sending` before its request goes out, so that it is never taken for an unsent one, whatever dies in
 * between. All of it is SQL: it claims, locks and books by the clock of the database, which all processes
 * share.
 */
import { repeatConflicts, type Pool } from '../../postgres/database.js';
import { topics } from '../../postgres/notifications.js';
import { addSendJobs, sendJobOf } from '../../queue/tasks.js';
import { recordAcceptance } from './accepted.js';
import { createSendClaims, type SendClaims } from './claims.js';
import { selectWaiting, type Waiting } from './waiting.js';

export type { Pace } from './claims.js';
export type { Waiting } from './waiting.js';

export interface SendError {
  readonly code: string;
  readonly message: string;
}

export interface SendQueue extends SendClaims, SendOutcomes {
  /** Adds the job to run after this time, unless it is to run earlier. */
  readonly resume: (channel: string, afterMs: number) => Promise<void>;
  /**
   * Cleans up leftovers: channels without a job get one, messages that a webhook has named are settled, and
   * expired idempotency keys are deleted.
   */
  readonly reconcile: () => Promise<void>;
}

interface SendOutcomes {
  /**
   * The provider accepted it: `sending` or `unknown` → `sent`, with the message that now exists, its media
   * and its status.
   */
  readonly accepted: (message: Waiting, messageId: string) => Promise<void>;
  /** `sending` → `failed` or `unknown`. */
  readonly ended: (id: string, state: 'failed' | 'unknown', error: SendError) => Promise<void>;
  /** `sending` → `queued`. With `blocksChannel`, nothing else is sent in the channel before then either. */
  readonly postponed: (
    message: Waiting,
    again: { readonly afterMs: number; readonly blocksChannel: boolean; readonly error: SendError },
  ) => Promise<void>;
  /**
   * `sending` → `unknown`, for messages whose process ended before their outcome was known. Only the holder
   * of the channel's job may call it.
   */
  readonly abandon: (channel: string, error: SendError) => Promise<number>;
  /** All messages that are not sent yet: `queued` and `sending` → `unknown`. */
  readonly abandonAll: (error: SendError) => Promise<number>;
  /**
   * For a channel that cannot send, messages that have waited since before the moment: `queued` → `failed`.
   */
  readonly giveUp: (channel: string, before: Date, error: SendError) => Promise<void>;
}

const keyLifetimeMs = 86_400_000;

export function createSendQueue(pool: Pool, now: () => Date): SendQueue {
  const outcomes = createSendOutcomes(pool, now);
  return {
    ...createSendClaims(pool),
    ...outcomes,
    resume: async (channel, afterMs) => {
      await pool.query(addLaterJob, [channel, afterMs]);
    },
    reconcile: async () => {
      await settleNamed(pool, outcomes);
      await pool.query(deleteOldKeys, [new Date(now().getTime() - keyLifetimeMs)]);
      await pool.query(addMissingJobs);
    },
  };
}

function createSendOutcomes(pool: Pool, now: () => Date): SendOutcomes {
  const end = async (condition: string, values: readonly unknown[]): Promise<number> => {
    const { rowCount } = await repeatConflicts(() => pool.query(endSending(condition), [...values]));
    return rowCount ?? 0;
  };
  return {
    accepted: (message, messageId) => recordAcceptance(pool, { message, messageId, now: now() }),
    ended: async (id, state, { code, message }) => {
      await end(`id = $5 and state = 'sending'`, [state, code, message, now(), id]);
    },
    postponed: async ({ id, channel }, { afterMs, blocksChannel, error }) => {
      await pool.query(postpone, [id, afterMs, error.code, error.message, channel, blocksChannel]);
    },
    abandon: (channel, { code, message }) =>
      end(`channel = $5 and state = 'sending'`, ['unknown', code, message, now(), channel]),
    abandonAll: ({ code, message }) =>
      end(`state in ('queued', 'sending')`, ['unknown', code, message, now()]),
    giveUp: async (channel, before, { code, message }) => {
      const values = ['failed', code, message, now(), channel, before];
      await end(`channel = $5 and state = 'queued' and created_at < $6`, values);
    },
  };
}

/**
 * Gives the messages that fit the condition the state `$1`, with the error and the time of the parameters,
 * and an event.
 */
const endSending = (condition: string): string => `
  with ended as (select id from outbound where ${condition} order by id for update), o as (
    update outbound set state = $1, error_code = $2, error_message = $3 where id in (select id from ended)
    returning id, channel, state, error_code, error_message
  ), s as (
    insert into message_status (channel, message_id, status, at, error_code, error_message, received_at)
    select channel, id::text, state, $4::timestamptz, error_code, error_message, $4::timestamptz from o
    on conflict (channel, message_id, status) do nothing returning channel, message_id, status
  )
  insert into notification (type, channel, message_id, status)
  select 'message.status', channel, message_id, status from s returning pg_notify('${topics.outbox}', '')`;

const postpone = `
  with o as (
    update outbound set state = 'queued', not_before = clock_timestamp() + $2 * interval '1 ms', error_code = $3,
                        error_message = $4
    where id = $1 and state = 'sending' returning channel
  )
  update send_pace set blocked_until = greatest(blocked_until, clock_timestamp() + $2 * interval '1 ms')
  where channel = $5 and $6`;

const addLaterJob = addSendJobs('select $1::text as channel', {
  runAt: `now() + $2 * interval '1 ms'`,
  keepsTime: true,
});

const deleteOldKeys = `
  update outbound set idempotency_key = null, request_hash = null where id in (
    select id from outbound where idempotency_key is not null and created_at < $1
    order by id for update skip locked)`;

const addMissingJobs = addSendJobs(`
  select channel from (select channel from outbound where state in ('queued', 'sending') group by channel) as waiting
  where not exists (${sendJobOf('waiting.channel')})`);

/**
 * A provider that knows a message by the id of this service may name it in a webhook after its answer was
 * lost: then it has accepted the message.
 */
async function settleNamed(pool: Pool, { accepted }: Pick<SendOutcomes, 'accepted'>): Promise<void> {
  const { rows } = await pool.query<Waiting>(
    `${selectWaiting}
     where o.state = 'unknown' and exists (
       select from message_status as s where s.channel = o.channel and s.message_id = o.id::text
         and s.status in ('sent', 'delivered', 'read'))
     limit 1000`,
  );
  for (const message of rows) await accepted(message, message.id);
}
