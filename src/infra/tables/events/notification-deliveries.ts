/**
 * Events on their way to subscriptions. All of it is SQL that uses the clock of the database, because the
 * jobs of subscriptions do; the outcome of an attempt changes an event and its subscription together.
 */
import type pg from 'pg';

import { repeatConflicts, type Pool } from '../../postgres/database.js';
import { columnsOf, pageOf, type FilteredList } from '../../postgres/pages.js';
import { addNotifyJobs } from '../../queue/tasks.js';
import type { NotificationDelivery, NotificationFailure, PostAttempt, PostFault } from './subscription.js';

export interface NotificationDeliveries {
  /** The events to post by now, in the order of their times. */
  readonly due: (id: string, limit: number) => Promise<NotificationDelivery[]>;
  readonly markDelivered: (deliveryId: string, attempt: PostAttempt, now: Date) => Promise<void>;
  readonly markFailed: (deliveryId: string, failure: NotificationFailure, now: Date) => Promise<void>;
  /**
   * Records an attempt that a fault of this service has ended, which says nothing about the receiver. Without
   * `retryAfterMs` the event is not retried.
   */
  readonly markFaulty: (deliveryId: string, fault: PostFault, now: Date) => Promise<void>;
  /** Settles an event that can no longer be posted. */
  readonly drop: (deliveryId: string, now: Date) => Promise<void>;
  /** Deletes what was planned for a subscription while it was removed. */
  readonly forget: (id: string) => Promise<void>;
  /** Adds a job for the time of the next event; a job that already waits keeps its time. */
  readonly scheduleNext: (id: string) => Promise<void>;
  /** The newest first. */
  readonly history: (id: string, limit: number) => Promise<NotificationDelivery[]>;
}

const selectDelivery = `select ${columnsOf<NotificationDelivery>({
  id: 'id',
  notificationId: 'notification_id',
  type: 'type',
  createdAt: 'created_at',
  attempts: 'attempts',
  nextAt: 'next_at',
  firstFailedAt: 'first_failed_at',
  settledAt: 'settled_at',
  delivered: 'delivered',
  lastStatus: 'last_status',
  lastError: 'last_error',
  history: 'history',
})} from notification_delivery`;
const deliveries: FilteredList<{ readonly subscription: string }> = {
  select: selectDelivery,
  key: 'id',
  conditions: { subscription: 'subscription_id = ?' },
};

const maxStoredAttempts = 20;
/** `history` with one more attempt (a parameter, a JSON array of one), without the oldest if it is full. */
const lengthened = (parameter: string): string =>
  `case when jsonb_array_length(history) >= ${String(maxStoredAttempts)} then history - 0 else history end || ${parameter}::jsonb`;

/**
 * The events that wait, in the order of their times. Nulls have no order of their own; if the column comes
 * first, the index is read in its order, however many events wait.
 */
const inOrder = 'settled_at is null order by settled_at, next_at, id';

export function createNotificationDeliveries(pool: Pool): NotificationDeliveries {
  const query = async <Result extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Result[]> =>
    // Erasing also deletes deliveries, in an order of its own.
    (await repeatConflicts(() => pool.query<Result>(text, [...values]))).rows;
  return {
    due: (id, limit) => query<NotificationDelivery>(selectDue, [id, limit]),
    markDelivered: async (deliveryId, attempt, now) => {
      await query(markDelivered, [deliveryId, now, attempt.status, attemptJson(attempt)]);
    },
    markFailed: async (deliveryId, { attempt, retryAfterMs, pauseMs, disable }, now) => {
      const { status, error } = attempt;
      const outcome = [status, error, attemptJson(attempt), now, retryAfterMs, pauseMs, disable];
      await query(markFailed, [deliveryId, ...outcome]);
    },
    markFaulty: async (deliveryId, { attempt, retryAfterMs }, now) => {
      await query(markFaulty, [deliveryId, attempt.error, attemptJson(attempt), retryAfterMs, now]);
    },
    drop: async (deliveryId, now) => {
      await repeatConflicts(() =>
        pool.prisma.notificationDelivery.updateMany({
          where: { id: BigInt(deliveryId) },
          data: { settledAt: now },
        }),
      );
    },
    forget: async (id) => {
      const { subscription, notificationDelivery } = pool.prisma;
      // Ids are never reused, so a removed subscription stays removed.
      if ((await subscription.count({ where: { id } })) > 0) return;
      await repeatConflicts(() => notificationDelivery.deleteMany({ where: { subscriptionId: id } }));
    },
    scheduleNext: async (id) => {
      await query(addNotifyJobs(nextOfSubscription, { runAt: 'run_at', keepsTime: true }), [id]);
    },
    history: async (id, limit) => {
      const { rows } = await pool.query<NotificationDelivery>(
        pageOf(deliveries, { subscription: id }, { limit }),
      );
      return rows;
    },
  };
}

const selectDue = `${selectDelivery} where subscription_id = $1 and next_at <= now() and ${inOrder} limit $2`;

const markDelivered = `
  with d as (
    update notification_delivery
    set attempts = attempts + 1, settled_at = $2, delivered = true, last_status = $3, last_error = null,
        history = ${lengthened('$4')}
    where id = $1 returning subscription_id
  )
  update subscription set last_delivered_at = $2, failing_since = null, failures = 0, last_error = null, pauses = 0,
                          paused_until = null
  where id in (select subscription_id from d)`;

/** Calls that were under way together and failed together are one pause. */
const markFailed = `
  with d as (
    update notification_delivery
    set attempts = attempts + 1, last_status = $2, last_error = $3, history = ${lengthened('$4')},
        first_failed_at = coalesce(first_failed_at, $5),
        settled_at = case when $6::float8 is null then $5::timestamptz end,
        next_at = now() + coalesce($6::float8, 0) * interval '1 ms'
    where id = $1 returning subscription_id
  )
  update subscription
  set failing_since = coalesce(failing_since, $5), failures = failures + 1, last_error = $3,
      pauses = pauses + case when $7::float8 is not null and coalesce(paused_until <= now(), true) then 1 else 0 end,
      paused_until = case when $7::float8 is not null and coalesce(paused_until <= now(), true)
                          then now() + $7::float8 * interval '1 ms' else paused_until end,
      disabled_at = case when $8::text is not null then $5::timestamptz end, disabled_reason = $8
  where id in (select subscription_id from d) and disabled_at is null`;

const markFaulty = `
  update notification_delivery
  set attempts = attempts + 1, last_status = null, last_error = $2, history = ${lengthened('$3')},
      settled_at = case when $4::float8 is null then $5::timestamptz end,
      next_at = now() + coalesce($4::float8, 0) * interval '1 ms'
  where id = $1`;

const nextOfSubscription = `
  select subscription.id as subscription_id, greatest(next.next_at, paused_until) as run_at
  from subscription cross join lateral (
    select next_at from notification_delivery where subscription_id = subscription.id and ${inOrder} limit 1) as next
  where subscription.id = $1 and disabled_at is null`;

function attemptJson({ at, status, error, durationMs, answer }: PostAttempt): string {
  return JSON.stringify([{ at, status, error, durationMs, answer }]);
}
