/** Rows of `subscription`, whose secrets are sealed. */
import { AppError } from '../../../domain/errors.js';
import type { EventType } from '../../../domain/event.js';
import type { Prisma } from '../../generated/client.js';
import type { Pool } from '../../postgres/database.js';
import { columnsOf } from '../../postgres/pages.js';
import { SealedBoxError, type SealedBox } from '../../secrets/sealed-box.js';
import type { Subscription } from './subscription.js';

export type SubscriptionRow = Omit<Subscription, 'problem'> & { readonly secret: Uint8Array };

export const subscriptionColumns = columnsOf<SubscriptionRow>({
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

const unreadable =
  'its secret cannot be decrypted: AUTH_SECRET has changed since it was stored; rotate the secret';

export function toSubscription(box: SealedBox, { secret, ...row }: SubscriptionRow): Subscription {
  return { ...row, problem: openSecret(box, secret, row.id) === undefined ? unreadable : null };
}

/** The secrets that sign at the moment `now`, the newest first. Throws `subscription.unreadable`. */
export async function readSecrets(
  { prisma }: Pick<Pool, 'prisma'>,
  box: SealedBox,
  { id, now }: { readonly id: string; readonly now: Date },
): Promise<string[]> {
  const row = await prisma.subscription.findUnique({
    where: { id },
    select: { secret: true, previousSecret: true, previousUntil: true },
  });
  const secret = row && openSecret(box, row.secret, id);
  const isOverlapping = row?.previousUntil != null && row.previousUntil > now;
  const previous = isOverlapping && row.previousSecret ? openSecret(box, row.previousSecret, id) : undefined;
  if (secret == null) throw new AppError('subscription.unreadable', unreadable);
  return previous === undefined ? [secret] : [secret, previous];
}

function openSecret(box: SealedBox, sealed: Uint8Array, id: string): string | undefined {
  try {
    return box.open(sealed, id);
  } catch (error) {
    if (error instanceof SealedBoxError) return undefined;
    throw error;
  }
}

/** A subscription that was just created. */
export function newSubscription(row: Prisma.SubscriptionGetPayload<object>): Subscription {
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
