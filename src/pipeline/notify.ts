/**
 * Posts pending events to one subscription, signed as Standard Webhooks specifies. Each event has its own
 * retry schedule, so an event that the receiver keeps refusing does not block the others. When the receiver
 * fails as a whole, the subscription is paused, and after each pause a single event tests it: a receiver that
 * is down for days is called a few times a day, not once for each event.
 */
import { Webhook } from 'standardwebhooks';

import { backoffMs } from '../domain/retry.js';
import { decideAfterRefusal, type RefusalDecision } from '../domain/subscriber-retry.js';
import { createFaultLog, type FaultLog } from '../infra/logging/fault-log.js';
import type { Logger } from '../infra/logging/logger.js';
import { describeCallFailure, type GuardedPost } from '../infra/net/guarded-post.js';
import { isDatabaseFailure } from '../infra/postgres/errors.js';
import type { EventLog, EventRecord } from '../infra/tables/events/log.js';
import type {
  NotificationDelivery,
  PostAttempt,
  Subscription,
  SubscriptionTable,
} from '../infra/tables/events/subscriptions.js';
import type { PostedEvent } from './observers.js';

export interface NotifyOptions {
  readonly table: SubscriptionTable;
  readonly events: Pick<EventLog, 'byIds'>;
  readonly http: Pick<GuardedPost, 'post'>;
  /** Renders the request body for an event. */
  readonly render: (event: EventRecord) => string;
  /** Called with the result of each post. */
  readonly observe: (post: PostedEvent) => void;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  readonly now: () => Date;
  /** Returns a random number from 0 to 1. */
  readonly chance: () => number;
  readonly stopping: AbortSignal;
}

/** The result of one post. */
export interface Attempt extends PostAttempt {
  readonly delivered: boolean;
  readonly retryAt?: Date | undefined;
}

/** The largest number of events that one job posts before it makes room for other jobs. */
const batchSize = 50;
/** The largest number of simultaneous calls to one subscriber. */
const parallelCalls = 4;
/** The receiver has removed the endpoint and says so. */
const goneStatus = 410;
/**
 * A fault of this service can be fixed by an update at the earliest, so the event soon counts as failed; an
 * administrator can resend it.
 */
const maxFaults = 5;
const faultText = 'event.internal: a fault of this service';

interface NotifyJob extends NotifyOptions {
  readonly reportFault: FaultLog;
}

export function createNotify(options: NotifyOptions): (subscriptionId: string) => Promise<void> {
  const { table, logger } = options;
  const job: NotifyJob = { ...options, reportFault: createFaultLog(logger) };
  const reported = new Set<string>();

  /** Returns the subscription if events can be posted to it. */
  const ready = async (id: string): Promise<Subscription | undefined> => {
    const subscription = await table.find(id);
    if (!subscription) await table.forget(id);
    if (!subscription || subscription.disabledAt) return undefined;
    const { problem } = subscription;
    if (problem === null) return subscription;
    // The events wait until the secret is rotated. The problem is logged once.
    if (!reported.has(id))
      logger.warn({ subscription: id, problem }, 'events cannot be posted to a subscription');
    reported.add(id);
    return undefined;
  };

  return async (id) => {
    const subscription = await ready(id);
    if (!subscription) return;
    if (!subscription.isPaused) {
      // After a pause, a single event tests whether the receiver works again.
      const due = await table.due(id, subscription.pauses > 0 ? 1 : batchSize);
      let shouldContinue = true;
      const next = async (): Promise<void> => {
        for (let delivery = due.shift(); delivery && shouldContinue; delivery = due.shift()) {
          const current = await ready(id);
          shouldContinue =
            current !== undefined && (await tryToDeliver(job, current, delivery)) && shouldContinue;
        }
      };
      await waitForAll(Array.from({ length: parallelCalls }, next));
    }
    await table.scheduleNext(id);
  };
}

/**
 * Waits until all promises have settled, then rejects if one of them did: the next job must start with no
 * call in progress.
 */
async function waitForAll(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

/**
 * Works like {@link deliver}, but counts an internal fault as a failed attempt at this event, so that it does
 * not hold up other events.
 */
async function tryToDeliver(
  options: NotifyJob,
  subscription: Subscription,
  delivery: NotificationDelivery,
): Promise<boolean> {
  try {
    return await deliver(options, subscription, delivery);
  } catch (error) {
    // The database failed, which says nothing about the event or its receiver: the queue runs the job again.
    if (isDatabaseFailure(error)) throw error;
    const context = { subscription: subscription.id, event: delivery.notificationId };
    options.reportFault('an event could not be posted', error, context);
    const attempts = delivery.attempts + 1;
    const retryAfterMs = attempts < maxFaults ? backoffMs(attempts, options.chance()) : null;
    const moment = options.now();
    const attempt = { at: moment, status: null, error: faultText, durationMs: 0, answer: null };
    await options.table.markFaulty(delivery.id, { attempt, retryAfterMs }, moment);
    return true;
  }
}

/** Returns whether more events can be posted to the subscriber now. */
async function deliver(
  options: NotifyOptions,
  subscription: Subscription,
  delivery: NotificationDelivery,
): Promise<boolean> {
  const { table, events, render, now, stopping } = options;
  // The event is read right before it is posted, because its subject may have been erased in the meantime.
  const event = (await events.byIds([delivery.notificationId])).get(delivery.notificationId);
  if (!event) {
    await table.drop(delivery.id, now());
    return true;
  }
  const secrets = await table.secretsOf(subscription.id, now());
  const message = { id: `evt_${delivery.notificationId}`, body: render(event) };
  const attempt = await postSigned(options, { url: subscription.url, secrets, message });
  const { delivered, durationMs } = attempt;
  options.observe({
    outcome: delivered ? 'delivered' : 'failed',
    subscription: subscription.id,
    event,
    milliseconds: durationMs,
  });
  // An aborted call says nothing about the receiver. The next process makes it again.
  if (stopping.aborted && !delivered) return false;
  if (!delivered) return recordRefusal(options, { subscription, delivery, attempt });
  await table.markDelivered(delivery.id, attempt, now());
  return true;
}

/** Returns whether more events can be posted to the subscriber now. */
async function recordRefusal(
  { table, now, chance }: NotifyOptions,
  facts: {
    readonly subscription: Subscription;
    readonly delivery: NotificationDelivery;
    readonly attempt: Attempt;
  },
): Promise<boolean> {
  const { delivery, attempt } = facts;
  const moment = now();
  // Other calls may have ended since this one began.
  const subscription = (await table.find(facts.subscription.id)) ?? facts.subscription;
  const decision = decideAfterRefusal({
    status: attempt.status,
    retryAt: attempt.retryAt,
    now: moment,
    chance: chance(),
    attempts: delivery.attempts + 1,
    firstFailedAt: delivery.firstFailedAt ?? moment,
    failures: subscription.failures + 1,
    failingSince: subscription.failingSince ?? moment,
    pauses: subscription.pauses,
  });
  const disable = reasonToDisable(attempt, decision);
  const { retryAfterMs, pauseMs } = decision;
  await table.markFailed(delivery.id, { attempt, retryAfterMs, pauseMs, disable }, moment);
  return disable === null && pauseMs === null;
}

function reasonToDisable({ status, error }: Attempt, { disable }: RefusalDecision): string | null {
  if (status === goneStatus) return 'the receiver answered 410 (gone)';
  return disable ? `no delivery succeeded for 3 days; last error: ${error ?? ''}` : null;
}

/** Posts one message, signed with each of the secrets. Never rejects: the result contains the error. */
export async function postSigned(
  { http, now, stopping }: Pick<NotifyOptions, 'http' | 'now' | 'stopping'>,
  call: {
    readonly url: string;
    readonly secrets: readonly string[];
    readonly message: { readonly id: string; readonly body: string };
  },
): Promise<Attempt> {
  const { url, secrets, message } = call;
  const at = now();
  const signatures = secrets.map((secret) => new Webhook(secret).sign(message.id, at, message.body));
  const headers = {
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': signatures.join(' '),
  };
  const startedAt = performance.now();
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  try {
    const { status, retryAt, excerpt } = await http.post({
      url,
      headers,
      body: message.body,
      signal: stopping,
    });
    const delivered = status >= 200 && status < 300;
    const error = delivered ? null : `answered ${String(status)}`;
    return { delivered, status, error, retryAt, at, durationMs: elapsedMs(), answer: excerpt };
  } catch (cause) {
    const error = describeCallFailure(cause);
    return { delivered: false, status: null, error, at, durationMs: elapsedMs(), answer: null };
  }
}
