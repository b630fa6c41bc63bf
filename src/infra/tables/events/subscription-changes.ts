/** Creates, changes and removes subscriptions. */
import { newId } from '../../../domain/id.js';
import { transaction, type Pool, type Together, type Transaction } from '../../postgres/database.js';
import { addNotifyJobs } from '../../queue/tasks.js';
import type { SealedBox } from '../../secrets/sealed-box.js';
import { newSubscription } from './subscription-rows.js';
import type { Subscription, SubscriptionChange, SubscriptionSettings } from './subscription.js';

export interface NewSubscription {
  readonly settings: SubscriptionSettings;
  readonly secret: string;
  readonly now: Date;
}

export interface SubscriptionChanges {
  readonly create: (
    subscription: NewSubscription,
    together: (id: string) => Together,
  ) => Promise<Subscription>;
  readonly update: (id: string, change: SubscriptionChange, together: Together) => Promise<void>;
  readonly remove: (id: string, together: Together) => Promise<void>;
  /** Replaces the secret. With `overlapUntil`, the previous one signs as well until then. */
  readonly rotate: (
    id: string,
    next: { readonly secret: string; readonly overlapUntil: Date | null },
    together: Together,
  ) => Promise<void>;
}

/** Adds the job of the subscription `$1`, to run at once. */
export const addJobNow = addNotifyJobs('select $1::uuid as subscription_id');

export function createSubscriptionChanges(pool: Pool, box: SealedBox): SubscriptionChanges {
  /** If the subscription was removed in the meantime, there is nothing to change. */
  const ifExists = (id: string, work: (changing: Transaction) => Promise<void>): Promise<void> =>
    transaction(pool, async (connection) => {
      const { rowCount } = await connection.query('select from subscription where id = $1 for update', [id]);
      if (rowCount === 1) await work(connection);
    });
  return {
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
      ifExists(id, async (connection) => {
        await changeSettings(connection, id, settings);
        if (disabled === null) await enable(connection, id);
        else if (disabled) await disable(connection, id, disabled);
        await together(connection);
      }),
    remove: (id, together) => transaction(pool, (removing) => remove(removing, id, together)),
    rotate: (id, { secret, overlapUntil }, together) =>
      ifExists(id, async (changing) => {
        const sealed = Uint8Array.from(box.seal(secret, id));
        await replaceSecret(changing, id, { sealed, overlapUntil });
        await changing.query(addJobNow, [id]);
        await together(changing);
      }),
  };
}

async function remove(removing: Transaction, id: string, together: Together): Promise<void> {
  const isRemoved = await removing.prisma(async ({ subscription, notificationDelivery }) => {
    const theirs = { where: { subscriptionId: id } };
    // Attempts write both tables in this order. Deliveries planned at the same moment are deleted by their
    // job.
    await notificationDelivery.deleteMany(theirs);
    const { count } = await subscription.deleteMany({ where: { id } });
    await notificationDelivery.deleteMany(theirs);
    return count === 1;
  });
  if (isRemoved) await together(removing);
}

async function replaceSecret(
  { prisma }: Transaction,
  id: string,
  { sealed, overlapUntil }: { readonly sealed: Uint8Array<ArrayBuffer>; readonly overlapUntil: Date | null },
): Promise<void> {
  await prisma(async ({ subscription }) => {
    const before = await subscription.findUnique({ where: { id }, select: { secret: true } });
    const previous = overlapUntil && before ? before.secret : null;
    await subscription.update({
      where: { id },
      data: { secret: sealed, previousSecret: previous, previousUntil: overlapUntil, pausedUntil: null },
    });
  });
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
  // Another address is another receiver, so it is tried at once.
  if (url !== undefined) await changing.query(addJobNow, [id]);
}

/** The columns of a subscription without failures. */
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
