/** Subscriptions and the events that wait for them. */
import type pg from 'pg';

import type { EventType } from '../domain/event.js';
import { newId } from '../domain/id.js';
import type { SealedBox } from './sealed-box.js';
import { notifyJobs } from './outbox.js';
import { maxJobAttempts, notifyTask } from './tasks.js';

export interface Subscription {
  readonly id: string;
  readonly url: string;
  readonly description: string | null;
  /** Empty: all. */
  readonly types: readonly EventType[];
  /** Empty: all. */
  readonly channels: readonly string[];
  readonly createdAt: Date;
  readonly lastDeliveredAt: Date | null;
  readonly failingSince: Date | null;
  /** In a row. */
  readonly failures: number;
  readonly lastError: string | null;
  readonly disabledAt: Date | null;
  readonly disabledReason: string | null;
}

export type SubscriptionSettings = Pick<Subscription, 'url' | 'description' | 'types' | 'channels'>;

/** What is not given stays. */
export type SubscriptionChange = {
  readonly [Name in keyof SubscriptionSettings]?: SubscriptionSettings[Name] | undefined;
};

/** An event that was, or is to be, delivered to one subscription. */
export interface NotificationDelivery {
  readonly id: string;
  readonly notificationId: string;
  readonly createdAt: Date;
  readonly attempts: number;
  readonly settledAt: Date | null;
  readonly delivered: boolean;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
}

/** What came of an attempt that failed. */
export interface NotificationFailure {
  /** Null: no answer. */
  readonly status: number | null;
  readonly error: string;
  /** After how many milliseconds the subscriber is asked again, or the reason why it never is. */
  readonly next: { readonly afterMs: number } | { readonly disable: string };
  /** Whether this event is not tried any more. */
  readonly giveUp: boolean;
}

export interface SubscriptionTable {
  readonly list: () => Promise<Subscription[]>;
  readonly find: (id: string) => Promise<Subscription | undefined>;
  readonly create: (settings: SubscriptionSettings, secret: string, now: Date) => Promise<Subscription>;
  readonly update: (id: string, settings: SubscriptionChange) => Promise<void>;
  /** Takes it up again, with what is waiting for it. */
  readonly enable: (id: string) => Promise<void>;
  readonly disable: (id: string, reason: string, now: Date) => Promise<void>;
  readonly remove: (id: string) => Promise<boolean>;
  readonly secretOf: (id: string) => Promise<string>;
  /** The oldest that are not settled. */
  readonly due: (id: string, limit: number) => Promise<NotificationDelivery[]>;
  readonly markDelivered: (delivery: NotificationDelivery, status: number, now: Date) => Promise<void>;
  readonly markFailed: (
    delivery: NotificationDelivery,
    failure: NotificationFailure,
    now: Date,
  ) => Promise<void>;
  /** Settles what cannot be told any more. */
  readonly drop: (deliveries: readonly NotificationDelivery[], now: Date) => Promise<void>;
  readonly addJob: (id: string) => Promise<void>;
  /** The newest first. */
  readonly history: (id: string, limit: number) => Promise<NotificationDelivery[]>;
  /** Gives those that have events waiting a job, where they have none. */
  readonly reconcile: () => Promise<void>;
}

const columns = `id, url, description, types, channels, created_at as "createdAt", last_delivered_at as "lastDeliveredAt",
  failing_since as "failingSince", failures, last_error as "lastError", disabled_at as "disabledAt",
  disabled_reason as "disabledReason"`;
const deliveryColumns = `id, notification_id as "notificationId", created_at as "createdAt", attempts,
  settled_at as "settledAt", delivered, last_status as "lastStatus", last_error as "lastError"`;

const addJobNow = `select count(*) from graphile_worker.add_jobs(array(${notifyJobs('select $1::uuid as subscription_id')}))`;

export function createSubscriptionTable(pool: pg.Pool, box: SealedBox): SubscriptionTable {
  const find = async (id: string): Promise<Subscription | undefined> =>
    (await pool.query<Subscription>(`select ${columns} from subscription where id = $1`, [id])).rows[0];
  const addJob = async (id: string): Promise<void> => {
    await pool.query(addJobNow, [id]);
  };

  return {
    find,
    addJob,
    list: async () =>
      (await pool.query<Subscription>(`select ${columns} from subscription order by id desc`)).rows,
    create: async ({ url, description, types, channels }, secret, now) => {
      const id = newId();
      const { rows } = await pool.query<Subscription>(
        `insert into subscription (id, url, description, types, channels, secret, created_at)
         values ($1, $2, $3, $4, $5, $6, $7) returning ${columns}`,
        [id, url, description, types, channels, box.seal(secret, id), now],
      );
      const [created] = rows;
      if (!created) throw new Error('a subscription was not written');
      return created;
    },
    update: async (id, { url, description, types, channels }) => {
      await pool.query(
        `update subscription set url = coalesce($2, url), types = coalesce($3, types), channels = coalesce($4, channels),
                                 description = case when $5 then $6 else description end
         where id = $1`,
        [id, url, types, channels, description !== undefined, description],
      );
    },
    enable: async (id) => {
      await pool.query(
        `update subscription set disabled_at = null, disabled_reason = null, failing_since = null, failures = 0
         where id = $1`,
        [id],
      );
      await addJob(id);
    },
    disable: async (id, reason, now) => {
      await pool.query(
        'update subscription set disabled_at = $3, disabled_reason = $2 where id = $1 and disabled_at is null',
        [id, reason, now],
      );
    },
    remove: async (id) => {
      const { rows } = await pool.query<{ removed: string }>(
        `with s as (delete from subscription where id = $1 returning id),
              d as (delete from notification_delivery where subscription_id in (select id from s))
         select count(*) as removed from s`,
        [id],
      );
      return Number(rows[0]?.removed) > 0;
    },
    secretOf: async (id) => {
      const { rows } = await pool.query<{ secret: Buffer }>('select secret from subscription where id = $1', [
        id,
      ]);
      return box.open(rows[0]?.secret ?? Buffer.alloc(0), id);
    },
    due: async (id, limit) => {
      const { rows } = await pool.query<NotificationDelivery>(
        `select ${deliveryColumns} from notification_delivery
         where subscription_id = $1 and settled_at is null order by id limit $2`,
        [id, limit],
      );
      return rows;
    },
    markDelivered: async ({ id }, status, now) => {
      await pool.query(
        `with d as (
           update notification_delivery
           set attempts = attempts + 1, settled_at = $2, delivered = true, last_status = $3, last_error = null
           where id = $1 returning subscription_id
         )
         update subscription set last_delivered_at = $2, failing_since = null, failures = 0, last_error = null
         where id in (select subscription_id from d)`,
        [id, now, status],
      );
    },
    markFailed: async ({ id }, { status, error, next, giveUp }, now) => {
      const [afterMs, reason] = 'afterMs' in next ? [next.afterMs, null] : [null, next.disable];
      await pool.query(
        `with d as (
           update notification_delivery
           set attempts = attempts + 1, last_status = $2, last_error = $3, settled_at = case when $4 then $5::timestamptz end
           where id = $1 returning subscription_id
         ), s as (
           update subscription
           set failing_since = coalesce(failing_since, $5), failures = failures + 1, last_error = $3,
               disabled_at = case when $7::text is not null then $5::timestamptz end, disabled_reason = $7
           where id in (select subscription_id from d) and disabled_at is null returning id
         )
         select count(*) from graphile_worker.add_jobs(array(
           select row('${notifyTask}', json_build_object('subscriptionId', id), '${notifyTask}:' || id,
                      now() + $6::float8 * interval '1 ms',
                      ${String(maxJobAttempts)}, '${notifyTask}:' || id, null, null)::graphile_worker.job_spec
           from s where $6::float8 is not null
         ))`,
        [id, status, error, giveUp, now, afterMs, reason],
      );
    },
    drop: async (deliveries, now) => {
      await pool.query('update notification_delivery set settled_at = $2 where id = any($1)', [
        deliveries.map(({ id }) => id),
        now,
      ]);
    },
    history: async (id, limit) => {
      const { rows } = await pool.query<NotificationDelivery>(
        `select ${deliveryColumns} from notification_delivery where subscription_id = $1 order by id desc limit $2`,
        [id, limit],
      );
      return rows;
    },
    reconcile: async () => {
      await pool.query(
        `select graphile_worker.add_jobs(array(${notifyJobs(`
           select id as subscription_id from subscription where disabled_at is null
             and exists (select from notification_delivery where subscription_id = subscription.id and settled_at is null)`)}), true)`,
      );
    },
  };
}
