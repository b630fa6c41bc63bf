/**
 * Subscriptions and the events that wait for them. Pauses, times and jobs are written with SQL, because they
 * use the clock of the database.
 */
import { repeatConflicts, type Pool, type Together } from '../../postgres/database.js';
import { addNotifyJobs } from '../../queue/tasks.js';
import type { SealedBox } from '../../secrets/sealed-box.js';
import { createNotificationDeliveries, type NotificationDeliveries } from './notification-deliveries.js';
import { resendEvents } from './resend.js';
import { createSubscriptionChanges, type SubscriptionChanges } from './subscription-changes.js';
import {
  readSecrets,
  subscriptionColumns,
  toSubscription,
  type SubscriptionRow,
} from './subscription-rows.js';
import type { ResendRequest, Resent, Subscription } from './subscription.js';

export type { NotificationDelivery, PostAttempt, Subscription } from './subscription.js';

export interface SubscriptionTable extends SubscriptionChanges, NotificationDeliveries {
  readonly list: () => Promise<Subscription[]>;
  readonly find: (id: string) => Promise<Subscription | undefined>;
  /** The secrets that sign at the moment `now`, the newest first. Throws `subscription.unreadable`. */
  readonly secretsOf: (id: string, now: Date) => Promise<string[]>;
  /**
   * Posts stored events of its types and channels again, the oldest first; those that wait are posted at
   * once. Throws `event.not_found` if one event is requested and cannot be posted.
   */
  readonly resend: (id: string, request: ResendRequest, together: Together) => Promise<Resent>;
  /** Adds jobs for subscriptions with waiting events but no job, and deletes expired previous secrets. */
  readonly reconcile: () => Promise<void>;
}

export function createSubscriptionTable(pool: Pool, box: SealedBox): SubscriptionTable {
  const read = async (rest: string, values: unknown[]): Promise<Subscription[]> => {
    const { rows } = await pool.query<SubscriptionRow>(
      `select ${subscriptionColumns} from subscription ${rest}`,
      values,
    );
    return rows.map((row) => toSubscription(box, row));
  };
  return {
    ...createSubscriptionChanges(pool, box),
    ...createNotificationDeliveries(pool),
    list: () => read('order by id desc', []),
    find: async (id) => (await read('where id = $1', [id]))[0],
    secretsOf: (id, now) => readSecrets(pool, box, { id, now }),
    resend: (id, request, together) => resendEvents(pool, { id, request }, together),
    reconcile: async () => {
      await repeatConflicts(() => pool.query(addMissingJobs));
      await repeatConflicts(() =>
        pool.prisma.subscription.updateMany({
          where: { previousUntil: { lt: new Date() } },
          data: { previousSecret: null, previousUntil: null },
        }),
      );
    },
  };
}

const addMissingJobs = addNotifyJobs(
  `select id as subscription_id from subscription where disabled_at is null
     and exists (select from notification_delivery where subscription_id = subscription.id and settled_at is null)`,
  { keepsTime: true },
);
