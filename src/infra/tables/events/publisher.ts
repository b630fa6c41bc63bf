/**
 * Publishes the events of the outbox: numbers them in one order and plans their delivery to subscriptions.
 *
 * The row of an event is written in the transaction that makes the event true. Transactions do not commit in
 * the order in which their rows were numbered, so a reader that continued from such a number would miss
 * events. One publisher at a time therefore gives the numbers that readers see, to committed rows.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import type { Logger } from '../../logging/logger.js';
import { topics, type Notifications } from '../../postgres/notifications.js';
import { createWakeLoop } from '../../postgres/wake-loop.js';
import { addNotifyJobs } from '../../queue/tasks.js';

export interface Outbox {
  readonly close: () => Promise<void>;
}

const batchSize = 500;
/**
 * Events that are close together are published together, because each publication costs as much as a few
 * rows.
 */
const gatherMs = 10;
const retryAfterMs = 1_000;

/** An arbitrary advisory-lock id. */
const publisherLockId = 4_711_201;

/**
 * The publication in one round trip. The lock is taken by a statement of its own, so that the next statement
 * sees what the last publisher did. Events are locked in the order of their ids, as an erasure locks them.
 */
const publishStatement = `
begin;
select pg_advisory_xact_lock(${String(publisherLockId)});
with numbered as (
  update notification set seq = next.seq
  from (select id, nextval('event_seq') as seq
        from (select id from notification where seq is null order by id limit ${String(batchSize)} for update) as waiting) as next
  where notification.id = next.id
  returning notification.id, notification.type, notification.channel, notification.seq
), planned as (
  insert into notification_delivery (subscription_id, notification_id, type, next_at)
  select subscription.id, numbered.id, numbered.type, clock_timestamp()
  from numbered join subscription on disabled_at is null
    and (types = '{}' or numbered.type = any(types)) and (channels = '{}' or numbered.channel = any(channels))
  order by numbered.seq
  returning subscription_id
), jobs as (${addNotifyJobs(
  `select id as subscription_id, paused_until as run_at from subscription where id in (select subscription_id from planned)`,
  { runAt: 'run_at' },
)})
select count(*) as published, (select added from jobs), pg_notify('${topics.events}', '') from numbered having count(*) > 0;
commit`;

/** Publishes whenever a notification reports new events, until it is closed. */
export function openOutbox(pool: pg.Pool, notifications: Notifications, logger: Logger): Outbox {
  const loop = createWakeLoop(async () => {
    // Events that arrive during this pause are published together.
    await delay(gatherMs);
    try {
      return (await publish(pool)) === batchSize ? 0 : undefined;
    } catch (error) {
      logger.warn({ reason: error instanceof Error ? error.message : '' }, 'events could not be published');
      return retryAfterMs;
    }
  });
  const stop = notifications.on('outbox', { received: loop.wake, resumed: loop.wake });
  return {
    close: async () => {
      stop();
      await loop.close();
    },
  };
}

/** Resolves to the number of published events. */
async function publish(pool: pg.Pool): Promise<number> {
  const client = await pool.connect();
  try {
    const results = (await client.query(publishStatement)) as unknown as readonly pg.QueryResult<{
      published: string;
    }>[];
    client.release();
    return Number(results[2]?.rows[0]?.published ?? 0);
  } catch (error) {
    client.release(true); // It may still be in a transaction.
    throw error;
  }
}
