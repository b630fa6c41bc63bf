/**
 * Subscriptions and the events that wait for them. What goes by the clock of the database, as the jobs of subscriptions do, and what adds a
 * job is SQL: pauses, times, and the outcome of an attempt, which changes an event and its subscription together.
 */
import type pg from 'pg';

import { AppError } from '../../../domain/errors.js';
import type { EventType } from '../../../domain/event.js';
import { newId } from '../../../domain/id.js';
import type { Prisma } from '../../generated/client.js';
import {
  repeatConflicts,
  transaction,
  type Pool,
  type Together,
  type Transaction,
} from '../../postgres/database.js';
import { columnsOf, pageOf, type FilteredList } from '../../postgres/pages.js';
import { addNotifyJobs } from '../../queue/tasks.js';
import { SealedBoxError, type SealedBox } from '../../secrets/sealed-box.js';

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
  /** How often in a row it was paused because its receiver did not work. */
  readonly pauses: number;
  readonly isPaused: boolean;
  /** Until when the secret before the last rotation signs, too. */
  readonly previousUntil: Date | null;
  /** Why nothing can be posted; null: nothing is wrong. Its events wait meanwhile. */
  readonly problem: string | null;
}

export type SubscriptionSettings = Pick<Subscription, 'url' | 'description' | 'types' | 'channels'>;

/** What is not given stays. */
export type SubscriptionChange = {
  readonly [Name in keyof SubscriptionSettings]?: SubscriptionSettings[Name] | undefined;
} & {
  /** Null: it is taken up again, with what is waiting for it. */
  readonly disabled?: { readonly reason: string; readonly at: Date } | null;
};

/** One post, as it is kept. */
export interface PostAttempt {
  readonly at: Date;
  /** Null: no answer. */
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  /** The beginning of the answer. */
  readonly answer: string | null;
}

/** An event that was, or is to be, delivered to one subscription. */
export interface NotificationDelivery {
  readonly id: string;
  readonly notificationId: string;
  /** Null for those of older versions. */
  readonly type: EventType | null;
  readonly createdAt: Date;
  readonly attempts: number;
  readonly nextAt: Date;
  readonly firstFailedAt: Date | null;
  readonly settledAt: Date | null;
  readonly delivered: boolean;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  /** The last attempts, oldest first. */
  readonly history: readonly (Omit<PostAttempt, 'at'> & { readonly at: string })[];
}

/** What becomes of an attempt that failed. */
export interface NotificationFailure {
  readonly attempt: PostAttempt;
  /** Null: this event is not tried any more. */
  readonly retryAfterMs: number | null;
  /** How long nothing is posted to the subscriber; null: other events go on. */
  readonly pauseMs: number | null;
  /** Why the subscriber is not asked any more. */
  readonly disable: string | null;
}

export type PostFault = Pick<NotificationFailure, 'attempt' | 'retryAfterMs'>;

/** Which events are to be posted again: one, or those of a time; `until` is exclusive, null: all until now. */
export type ResendWish =
  { readonly notificationId: string } | { readonly from: Date; readonly until: Date | null };

export interface Resent {
  readonly count: number;
  /** Where to go on, when there are more than are resent at once. */
  readonly next: Date | null;
}

export interface SubscriptionTable {
  readonly list: () => Promise<Subscription[]>;
  readonly find: (id: string) => Promise<Subscription | undefined>;
  readonly create: (
    subscription: { readonly settings: SubscriptionSettings; readonly secret: string; readonly now: Date },
    together: (id: string) => Together,
  ) => Promise<Subscription>;
  readonly update: (id: string, change: SubscriptionChange, together: Together) => Promise<void>;
  readonly remove: (id: string, together: Together) => Promise<void>;
  /** Replaces the secret; with `overlapUntil`, the one before signs too until then. */
  readonly rotate: (
    id: string,
    next: { readonly secret: string; readonly overlapUntil: Date | null },
    together: Together,
  ) => Promise<void>;
  /** Those that sign now, the newest first. Throws `subscription.unreadable`. */
  readonly secretsOf: (id: string, now: Date) => Promise<string[]>;
  /** Those that are to be posted by now, in the order of their times. */
  readonly due: (id: string, limit: number) => Promise<NotificationDelivery[]>;
  readonly markDelivered: (deliveryId: string, attempt: PostAttempt, now: Date) => Promise<void>;
  readonly markFailed: (deliveryId: string, failure: NotificationFailure, now: Date) => Promise<void>;
  /**
   * An attempt that a fault of ours has ended, which says nothing about the receiver. Without
   * `retryAfterMs` the event is not tried any more.
   */
  readonly markFaulty: (deliveryId: string, fault: PostFault, now: Date) => Promise<void>;
  /** Settles what cannot be told any more. */
  readonly drop: (deliveryId: string, now: Date) => Promise<void>;
  /** Deletes what was planned for a subscription while it was removed. */
  readonly forget: (id: string) => Promise<void>;
  /** Gives it a job for the time at which something is to be posted; one that waits already keeps its time. */
  readonly scheduleNext: (id: string) => Promise<void>;
  /**
   * Posts events again that it was subscribed to, waiting ones at once; those that are kept, the oldest first. Throws `event.not_found`
   * when one event is wished for and cannot be posted.
   */
  readonly resend: (id: string, wish: ResendWish, together: Together) => Promise<Resent>;
  /** The newest first. */
  readonly history: (id: string, limit: number) => Promise<NotificationDelivery[]>;
  /** Gives those that have events waiting a job, where they have none, and forgets secrets that are over. */
  readonly reconcile: () => Promise<void>;
}

const columns = columnsOf<Row>({
  id: 'id',
  url: 'url',
  description: 'description',
  types: 'types',
  channels: 'channels',
  createdAt: 'created_at',
  lastDeliveredAt: 'last_delivered_at',
  failingSince: 'failing_since',
  failures: 'failures',
  lastError: 'last_error',
  disabledAt: 'disabled_at',
  disabledReason: 'disabled_reason',
  pauses: 'pauses',
  isPaused: 'coalesce(paused_until > now(), false)',
  previousUntil: 'previous_until',
  secret: 'secret',
});
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

const unreadable =
  'its secret cannot be opened: AUTH_SECRET is not the one that it was sealed with; rotate it';
const mostAttemptsKept = 20;
const mostResent = 10_000;

/** `history` with one more attempt (a parameter, a JSON array of one), without the oldest when there are enough. */
const lengthened = (parameter: string): string =>
  `case when jsonb_array_length(history) >= ${String(mostAttemptsKept)} then history - 0 else history end || ${parameter}::jsonb`;

const addJobNow = addNotifyJobs('select $1::uuid as subscription_id');
/** A null settles no order by itself; named first, the index is read in its order, however many wait. */
const inOrder = 'settled_at is null order by settled_at, next_at, id';

type Row = Omit<Subscription, 'problem'> & { readonly secret: Uint8Array };

export function createSubscriptionTable(pool: Pool, box: SealedBox): SubscriptionTable {
  const query = async <Result extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Result[]> =>
    // Erasing deletes deliveries, too, in an order of its own.
    (await repeatConflicts(() => pool.query<Result>(text, [...values]))).rows;
  const open = (sealed: Uint8Array, id: string): string | undefined => {
    try {
      return box.open(sealed, id);
    } catch (error) {
      if (error instanceof SealedBoxError) return undefined;
      throw error;
    }
  };
  /** Somebody else may have removed it just now: then there is nothing to change. */
  const ifThere = (id: string, work: (changing: Transaction) => Promise<void>): Promise<void> =>
    transaction(pool, async (connection) => {
      const { rowCount } = await connection.query('select from subscription where id = $1 for update', [id]);
      if (rowCount === 1) await work(connection);
    });
  const complete = ({ secret, ...row }: Row): Subscription => ({
    ...row,
    problem: open(secret, row.id) === undefined ? unreadable : null,
  });

  return {
    list: async () =>
      (await query<Row>(`select ${columns} from subscription order by id desc`)).map(complete),
    find: async (id) =>
      (await query<Row>(`select ${columns} from subscription where id = $1`, [id])).map(complete)[0],
    create: ({ settings, secret, now }, together) =>
      transaction(pool, async (creating) => {
        const id = newId();
        const { url, description, types, channels } = settings;
        const data = { id, url, description, types: [...types], channels: [...channels], createdAt: now };
        const sealed = Uint8Array.from(box.seal(secret, id));
        const created = await creating.prisma(({ subscription }) =>
          subscription.create({ data: { ...data, secret: sealed } }),
        );
        await together(id)(creating);
        return newSubscription(created);
      }),
    update: (id, { disabled, ...settings }, together) =>
      ifThere(id, async (connection) => {
        await changeSettings(connection, id, settings);
        if (disabled === null) await enable(connection, id);
        else if (disabled) await disable(connection, id, disabled);
        await together(connection);
      }),
    remove: (id, together) =>
      transaction(pool, async (removing) => {
        const isRemoved = await removing.prisma(async ({ subscription, notificationDelivery }) => {
          const theirs = { where: { subscriptionId: id } };
          // In the order in which attempts write both. What is planned at the same moment is deleted by its job.
          await notificationDelivery.deleteMany(theirs);
          const { count } = await subscription.deleteMany({ where: { id } });
          await notificationDelivery.deleteMany(theirs);
          return count === 1;
        });
        if (isRemoved) await together(removing);
      }),
    rotate: (id, { secret, overlapUntil }, together) =>
      ifThere(id, async (changing) => {
        await changing.prisma(async ({ subscription }) => {
          const before = await subscription.findUnique({ where: { id }, select: { secret: true } });
          const previous = overlapUntil && before ? before.secret : null;
          await subscription.update({
            where: { id },
            data: {
              secret: Uint8Array.from(box.seal(secret, id)),
              previousSecret: previous,
              previousUntil: overlapUntil,
              pausedUntil: null,
            },
          });
        });
        await changing.query(addJobNow, [id]);
        await together(changing);
      }),
    secretsOf: async (id, now) => {
      const row = await pool.prisma.subscription.findUnique({
        where: { id },
        select: { secret: true, previousSecret: true, previousUntil: true },
      });
      const secret = row && open(row.secret, id);
      const isOverlapping = row?.previousUntil != null && row.previousUntil > now;
      const previous = isOverlapping && row.previousSecret ? open(row.previousSecret, id) : undefined;
      if (secret == null) throw new AppError('subscription.unreadable', unreadable);
      return previous === undefined ? [secret] : [secret, previous];
    },
    due: (id, limit) =>
      query<NotificationDelivery>(
        `${selectDelivery}
         where subscription_id = $1 and next_at <= now() and ${inOrder} limit $2`,
        [id, limit],
      ),
    markDelivered: async (deliveryId, attempt, now) => {
      await query(
        `with d as (
           update notification_delivery
           set attempts = attempts + 1, settled_at = $2, delivered = true, last_status = $3, last_error = null,
               history = ${lengthened('$4')}
           where id = $1 returning subscription_id
         )
         update subscription set last_delivered_at = $2, failing_since = null, failures = 0, last_error = null, pauses = 0,
                                 paused_until = null
         where id in (select subscription_id from d)`,
        [deliveryId, now, attempt.status, kept(attempt)],
      );
    },
    markFailed: async (deliveryId, { attempt, retryAfterMs, pauseMs, disable }, now) => {
      // Calls that were under way together and failed together are one pause.
      await query(
        `with d as (
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
         where id in (select subscription_id from d) and disabled_at is null`,
        [deliveryId, attempt.status, attempt.error, kept(attempt), now, retryAfterMs, pauseMs, disable],
      );
    },
    markFaulty: async (deliveryId, { attempt, retryAfterMs }, now) => {
      await query(
        `update notification_delivery
         set attempts = attempts + 1, last_status = null, last_error = $2, history = ${lengthened('$3')},
             settled_at = case when $4::float8 is null then $5::timestamptz end,
             next_at = now() + coalesce($4::float8, 0) * interval '1 ms'
         where id = $1`,
        [deliveryId, attempt.error, kept(attempt), retryAfterMs, now],
      );
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
      // An id is never given again: what is gone stays so.
      if ((await subscription.count({ where: { id } })) > 0) return;
      await repeatConflicts(() => notificationDelivery.deleteMany({ where: { subscriptionId: id } }));
    },
    scheduleNext: async (id) => {
      const next = `
        select subscription.id as subscription_id, greatest(next.next_at, paused_until) as run_at
        from subscription cross join lateral (
          select next_at from notification_delivery where subscription_id = subscription.id and ${inOrder} limit 1) as next
        where subscription.id = $1 and disabled_at is null`;
      await query(addNotifyJobs(next, { runAt: 'run_at', keepsTime: true }), [id]);
    },
    resend: (id, wish, together) =>
      transaction(pool, async (connection) => {
        const { rows } = await ('notificationId' in wish
          ? connection.query<Resent>(resendOne, [id, wish.notificationId])
          : connection.query<Resent>(resendRange, [id, wish.from, wish.until]));
        const [resent = { count: 0, next: null }] = rows;
        if ('notificationId' in wish && resent.count === 0)
          throw new AppError('event.not_found', 'there is no such event for this subscription, or no longer');
        await connection.query(addJobNow, [id]);
        await together(connection);
        return resent;
      }),
    history: async (id, limit) => {
      const { rows } = await pool.query<NotificationDelivery>(
        pageOf(deliveries, { subscription: id }, { limit }),
      );
      return rows;
    },
    reconcile: async () => {
      const waiting = `
        select id as subscription_id from subscription where disabled_at is null
          and exists (select from notification_delivery where subscription_id = subscription.id and settled_at is null)`;
      await query(addNotifyJobs(waiting, { keepsTime: true }));
      await repeatConflicts(() =>
        pool.prisma.subscription.updateMany({
          where: { previousUntil: { lt: new Date() } },
          data: { previousSecret: null, previousUntil: null },
        }),
      );
    },
  };
}

/** As {@link Row} shows it. */
function newSubscription(row: Prisma.SubscriptionGetPayload<object>): Subscription {
  const { id, url, description, types, channels, createdAt } = row;
  const { lastDeliveredAt, failingSince, failures, lastError } = row;
  const { disabledAt, disabledReason, pauses, previousUntil } = row;
  return {
    id,
    url,
    description,
    types: types as EventType[],
    channels,
    createdAt,
    lastDeliveredAt,
    failingSince,
    failures,
    lastError,
    disabledAt,
    disabledReason,
    pauses,
    isPaused: false,
    previousUntil,
    problem: null,
  };
}

async function changeSettings(
  changing: Transaction,
  id: string,
  { url, description, types, channels }: Omit<SubscriptionChange, 'disabled'>,
): Promise<void> {
  const data = {
    ...(url !== undefined && { url, pausedUntil: null }),
    ...(description !== undefined && { description }),
    ...(types && { types: [...types] }),
    ...(channels && { channels: [...channels] }),
  };
  await changing.prisma(({ subscription }) => subscription.update({ where: { id }, data }));
  // Another address is another receiver: it is tried at once.
  if (url !== undefined) await changing.query(addJobNow, [id]);
}

/** As if nothing had ever failed. */
const healthy = {
  disabledAt: null,
  disabledReason: null,
  failingSince: null,
  failures: 0,
  pauses: 0,
  pausedUntil: null,
};

async function enable(changing: Transaction, id: string): Promise<void> {
  await changing.prisma(({ subscription }) => subscription.update({ where: { id }, data: healthy }));
  await changing.query(addJobNow, [id]);
}

async function disable(
  { prisma }: Transaction,
  id: string,
  { reason, at }: { readonly reason: string; readonly at: Date },
): Promise<void> {
  await prisma(({ subscription }) =>
    subscription.updateMany({
      where: { id, disabledAt: null },
      data: { disabledAt: at, disabledReason: reason },
    }),
  );
}

function kept({ at, status, error, durationMs, answer }: PostAttempt): string {
  return JSON.stringify([{ at, status, error, durationMs, answer }]);
}

/** What still waits is posted at once, in place of twice. A pause ends: a person has asked. */
const resendStatement = (which: string): string => `
with wanted as materialized (
  select n.id, n.type, n.seq, n.created_at, row_number() over (order by n.created_at, n.id) as place
  from notification as n join subscription as s on s.id = $1
  where n.seq is not null and (s.types = '{}' or n.type = any(s.types)) and (s.channels = '{}' or n.channel = any(s.channels))
    and ${which}
  order by n.created_at, n.id limit ${String(mostResent + 1)}
), chosen as (
  select * from wanted where place <= ${String(mostResent)}
), hurried as (
  update notification_delivery set next_at = now(), first_failed_at = null
  where subscription_id = $1 and settled_at is null and notification_id in (select id from chosen)
  returning notification_id
), added as (
  insert into notification_delivery (subscription_id, notification_id, type, next_at)
  select $1, id, type, clock_timestamp() from chosen
  where not exists (select from notification_delivery as way where way.subscription_id = $1 and way.settled_at is null
                      and way.notification_id = chosen.id)
  order by seq
), awake as (
  update subscription set paused_until = null where id = $1
)
select (select count(*)::int from chosen) as count,
       (select created_at from wanted where place = ${String(mostResent + 1)}) as next`;
const resendOne = resendStatement('n.id = $2');
const resendRange = resendStatement(
  `n.created_at >= $2 and n.created_at < coalesce($3::timestamptz, 'infinity')`,
);
