/** Converts subscriptions and their deliveries to answers of the API, without secrets. */
import type { EventRecord } from '../../infra/tables/events/log.js';
import type { NotificationDelivery, Subscription } from '../../infra/tables/events/subscriptions.js';
import type { NotificationDeliveryView, SubscriptionView } from '../shapes/event.js';
import { eventView } from './event.js';

export function subscriptionView(subscription: Subscription): SubscriptionView {
  const { id, url, description, types, channels, lastError, disabledReason, problem } = subscription;
  const { createdAt, lastDeliveredAt, failingSince, disabledAt, previousUntil } = subscription;
  return {
    id,
    url,
    description,
    types: [...types],
    channels: [...channels],
    createdAt: createdAt.toISOString(),
    state: stateOf(subscription),
    problem,
    lastDeliveredAt: iso(lastDeliveredAt),
    failingSince: iso(failingSince),
    lastError,
    disabledAt: iso(disabledAt),
    disabledReason,
    previousSecretUntil: iso(previousUntil),
  };
}

function stateOf({ disabledAt, problem, failingSince }: Subscription): SubscriptionView['state'] {
  if (disabledAt) return 'disabled';
  if (problem !== null) return 'unreadable';
  return failingSince ? 'failing' : 'active';
}

/** `event` is undefined if the event was deleted or must not be shown. */
export function deliveryView(
  delivery: NotificationDelivery,
  event: EventRecord | undefined,
): NotificationDeliveryView {
  const { id, createdAt, attempts, settledAt, delivered, lastStatus, lastError, history } = delivery;
  return {
    id,
    event: `evt_${delivery.notificationId}`,
    type: delivery.type ?? event?.type ?? null,
    createdAt: createdAt.toISOString(),
    state: settledAt === null ? 'waiting' : delivered ? 'delivered' : 'given up',
    attempts,
    nextAttemptAt: settledAt === null ? delivery.nextAt.toISOString() : null,
    settledAt: iso(settledAt),
    lastStatus,
    lastError,
    history: [...history],
    payload: event ? eventView(event) : null,
  };
}

function iso(moment: Date | null): string | null {
  return moment?.toISOString() ?? null;
}
