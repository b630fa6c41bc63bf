/**
 * Tells one subscription of the events that wait for it, oldest first, signed as Standard Webhooks says. While it does not
 * answer well, everything for it waits together: one that hangs for days is asked once in some hours, not once for each event.
 */
import { Webhook } from 'standardwebhooks';

import { isGivenUp, nextNotificationAt } from '../domain/retry.js';
import type { EventLog, EventRecord } from '../infra/event-log.js';
import { reasonOfNoAnswer, type GuardedPost } from '../infra/guarded-post.js';
import type { PostedEvent } from '../infra/observers.js';
import type { NotificationDelivery, Subscription, SubscriptionTable } from '../infra/subscription-table.js';

export interface NotifyOptions {
  readonly table: SubscriptionTable;
  readonly events: EventLog;
  readonly http: Pick<GuardedPost, 'post'>;
  /** The body that says an event. */
  readonly render: (event: EventRecord) => string;
  /** Hears what came of each post. */
  readonly observe: (post: PostedEvent) => void;
  readonly now: () => Date;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly stopping: AbortSignal;
}

/** What came of one post. */
export interface Attempt {
  readonly delivered: boolean;
  /** Null: no answer. */
  readonly status: number | null;
  readonly error: string | null;
  readonly retryAt?: Date | undefined;
}

/** One job tells so many, then makes room for others. */
const atOnce = 50;
/** The receiver has removed the endpoint and says so. */
const gone = 410;

export function createNotify(options: NotifyOptions): (subscriptionId: string) => Promise<void> {
  const { table, events, render, now } = options;

  /** Whether to go on with the next one. */
  const deliver = async (
    subscription: Subscription,
    delivery: NotificationDelivery,
    event: EventRecord,
  ): Promise<boolean> => {
    const secret = await table.secretOf(subscription.id);
    const message = { id: `evt_${delivery.notificationId}`, body: render(event) };
    const since = performance.now();
    const attempt = await postSigned(options, { url: subscription.url, secret, message });
    options.observe({
      ...{ outcome: attempt.delivered ? 'delivered' : 'failed', subscription: subscription.id, event },
      milliseconds: performance.now() - since,
    });
    if (options.stopping.aborted && !attempt.delivered) {
      await table.addJob(subscription.id);
      return false;
    }
    if (attempt.delivered) await table.markDelivered(delivery, attempt.status ?? 0, now());
    else await fail(options, { subscription, delivery, attempt });
    return attempt.delivered;
  };

  return async (subscriptionId) => {
    const subscription = await table.find(subscriptionId);
    if (!subscription || subscription.disabledAt) return;
    const due = await table.due(subscriptionId, atOnce);
    const told = await events.byIds(due.map(({ notificationId }) => notificationId));
    // What an event was about may have been erased meanwhile.
    const untold = due.filter(({ notificationId }) => !told.has(notificationId));
    if (untold.length > 0) await table.drop(untold, now());
    for (const delivery of due) {
      const event = told.get(delivery.notificationId);
      if (event && !(await deliver(subscription, delivery, event))) return;
    }
    if (due.length === atOnce) await table.addJob(subscriptionId);
  };
}

async function fail(
  { table, now, chance }: NotifyOptions,
  {
    subscription,
    delivery,
    attempt,
  }: { subscription: Subscription; delivery: NotificationDelivery; attempt: Attempt },
): Promise<void> {
  const { id, failures, failingSince } = (await table.find(subscription.id)) ?? subscription;
  const moment = now();
  const at = nextNotificationAt({
    failures: failures + 1,
    failingSince: failingSince ?? moment,
    now: moment,
    retryAt: attempt.retryAt,
    chance: chance(),
  });
  const error = attempt.error ?? `answered ${String(attempt.status)}`;
  if (attempt.status === gone) await table.disable(id, 'the receiver answered 410: it is gone', moment);
  await table.markFailed(
    delivery,
    {
      ...{ status: attempt.status, error },
      next: at
        ? { afterMs: at.getTime() - moment.getTime() }
        : { disable: `nothing could be delivered for 3 days; last: ${error}` },
      giveUp: isGivenUp(delivery.createdAt, moment),
    },
    moment,
  );
}

/** Posts one message. Never rejects: what went wrong is in the answer. */
export async function postSigned(
  { http, now, stopping }: Pick<NotifyOptions, 'http' | 'now' | 'stopping'>,
  {
    url,
    secret,
    message,
  }: { url: string; secret: string; message: { readonly id: string; readonly body: string } },
): Promise<Attempt> {
  const timestamp = now();
  const headers = {
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(message.id, timestamp, message.body),
  };
  try {
    const { status, retryAt } = await http.post({ url, headers, body: message.body, signal: stopping });
    const delivered = status >= 200 && status < 300;
    return { delivered, status, error: delivered ? null : `answered ${String(status)}`, retryAt };
  } catch (error) {
    return { delivered: false, status: null, error: reasonOfNoAnswer(error) };
  }
}
