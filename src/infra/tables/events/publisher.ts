/**
 * Publishes what the outbox holds: numbers the events in one order, and notes which subscriptions are to be told of them.
 *
 * An event's row is written in the transaction that makes it true. Transactions end in another order than their rows were
 * numbered, so a reader that continued from such a number would miss some. Here one publisher at a time gives the numbers that readers
 * see, to rows that are committed.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import type { Logger } from '../../logging/logger.js';
import { topics, type Notifications } from '../../postgres/notifications.js';
import { addNotifyJobs } from '../../queue/tasks.js';

export interface Outbox {
  readonly close: () => Promise<void>;
}

const mostAtOnce = 500;
/** Events that come close together are published together: each publication costs as much as a few rows. */
const gatherMs = 10;
const retryAfterMs = 1_000;

/** Any number that nothing else locks with. */
const lock = 4_711_201;

/**
 * One round trip. The lock comes first, in a statement of its own: the next one then sees what the last publisher did. Events are locked
 * in the order of their ids, as an erasure locks them.
 */
const publishStatement = `
begin;
select pg_advisory_xact_lock(${String(lock)});
with numbered as (
  update notification set seq = next.seq
  from (select id, nextval('event_seq') as seq
        from (select id from notification where seq is null order by id limit ${String(mostAtOnce)} for update) as waiting) as next
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

/** Publishes whenever somebody says that there is something, until it is closed. */
export function openOutbox(pool: pg.Pool, notifications: Notifications, logger: Logger): Outbox {
  const closed = new AbortController();
  let wanted = false;
  let working: Promise<void> | undefined;

  const work = async (): Promise<void> => {
    while (wanted && !closed.signal.aborted) {
      await delay(gatherMs);
      wanted = false;
      try {
        if ((await publish(pool)) === mostAtOnce) wanted = true;
      } catch (error) {
        logger.warn({ reason: error instanceof Error ? error.message : '' }, 'events could not be published');
        wanted = true;
        await delay(retryAfterMs, undefined, { signal: closed.signal }).catch(() => undefined);
      }
    }
  };
  const wake = (): void => {
    wanted = true;
    working ??= work().finally(() => {
      working = undefined;
    });
  };
  const stop = notifications.on('outbox', { heard: wake, resumed: wake });

  return {
    close: async () => {
      stop();
      closed.abort();
      await working;
    },
  };
}

/** How many events were published. */
async function publish(pool: pg.Pool): Promise<number> {
  const client = await pool.connect();
  try {
    const results = (await client.query(publishStatement)) as unknown as readonly pg.QueryResult<{
      published: string;
    }>[];
    client.release();
    return Number(results[2]?.rows[0]?.published ?? 0);
  } catch (error) {
    client.release(true); // It may be in a transaction still.
    throw error;
  }
}
