/**
 * Tells one subscription of the events that wait for it, signed as Standard Webhooks says. Each event has its own schedule: one that the
 * receiver keeps refusing does not hold up the others. When the receiver as a whole does not work, the subscription is paused, and
 * after each pause one event tries it out: a receiver that is down for days is called a few times a day, not once for each event.
 */
import { Webhook } from 'standardwebhooks';

import { backoffMs } from '../domain/retry.js';
import { decideAfterRefusal, type RefusalDecision } from '../domain/subscriber-retry.js';
import { createFaultLog, type FaultLog } from '../infra/logging/fault-log.js';
import type { Logger } from '../infra/logging/logger.js';
import { reasonOfNoAnswer, type GuardedPost } from '../infra/net/guarded-post.js';
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
  /** The body that says an event. */
  readonly render: (event: EventRecord) => string;
  /** Hears what came of each post. */
  readonly observe: (post: PostedEvent) => void;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  readonly now: () => Date;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly stopping: AbortSignal;
}

/** What came of one post. */
export interface Attempt extends PostAttempt {
  readonly delivered: boolean;
  readonly retryAt?: Date | undefined;
}

/** One job tells so many, then makes room for others. */
const atOnce = 50;
/** Calls to one subscriber that are under way at the same time. */
const parallelCalls = 4;
/** The receiver has removed the endpoint and says so. */
const gone = 410;
/** A fault of ours passes with an update at the earliest: it is to be seen soon, and the event can be resent by hand. */
const mostFaults = 5;
const faultText = 'event.internal: a fault of this service';

interface NotifyJob extends NotifyOptions {
  readonly reportFault: FaultLog;
}

export function createNotify(given: NotifyOptions): (subscriptionId: string) => Promise<void> {
  const { table, logger } = given;
  const options: NotifyJob = { ...given, reportFault: createFaultLog(logger) };
  const reported = new Set<string>();

  /** The subscription as long as events can be posted to it. */
  const ready = async (id: string): Promise<Subscription | undefined> => {
    const subscription = await table.find(id);
    if (!subscription) await table.forget(id);
    if (!subscription || subscription.disabledAt) return undefined;
    const { problem } = subscription;
    if (problem === null) return subscription;
    // The events wait until the secret is rotated. Once is enough for the log.
    if (!reported.has(id))
      logger.warn({ subscription: id, problem }, 'nothing can be posted to a subscription');
    reported.add(id);
    return undefined;
  };

  return async (id) => {
    const subscription = await ready(id);
    if (!subscription) return;
    if (!subscription.isPaused) {
      // After a pause one event tries out whether the receiver works again.
      const due = await table.due(id, subscription.pauses > 0 ? 1 : atOnce);
      let goesOn = true;
      const next = async (): Promise<void> => {
        for (let one = due.shift(); one && goesOn; one = due.shift()) {
          const current = await ready(id);
          goesOn = current !== undefined && (await tryToDeliver(options, current, one)) && goesOn;
        }
      };
      await allEnded(Array.from({ length: parallelCalls }, next));
    }
    await table.scheduleNext(id);
  };
}

/** Rejects like the first of them that does, when all have ended: the next job begins with none under way. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

/** As {@link deliver}, but a fault of ours is one more attempt at this event, and no reason to keep others waiting. */
async function tryToDeliver(
  options: NotifyJob,
  subscription: Subscription,
  delivery: NotificationDelivery,
): Promise<boolean> {
  try {
    return await deliver(options, subscription, delivery);
  } catch (error) {
    // Nothing of the event or its receiver: the queue begins the job anew.
    if (isDatabaseFailure(error)) throw error;
    const about = { subscription: subscription.id, event: delivery.notificationId };
    options.reportFault('an event could not be posted', error, about);
    const attempts = delivery.attempts + 1;
    const retryAfterMs = attempts < mostFaults ? backoffMs(attempts, options.chance()) : null;
    const moment = options.now();
    const attempt = { at: moment, status: null, error: faultText, durationMs: 0, answer: null };
    await options.table.markFaulty(delivery.id, { attempt, retryAfterMs }, moment);
    return true;
  }
}

/** Answers whether the subscriber can be asked for more now. */
async function deliver(
  options: NotifyOptions,
  subscription: Subscription,
  delivery: NotificationDelivery,
): Promise<boolean> {
  const { table, events, render, now, stopping } = options;
  // Read right before it is posted: what it is about may have been erased meanwhile.
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
  // A call that we have broken off says nothing about the receiver. It is made again by the next process.
  if (stopping.aborted && !delivered) return false;
  if (!delivered) return refused(options, { subscription, delivery, attempt });
  await table.markDelivered(delivery.id, attempt, now());
  return true;
}

/** Answers whether the subscriber can be asked for more now. */
async function refused(
  { table, now, chance }: NotifyOptions,
  facts: {
    readonly subscription: Subscription;
    readonly delivery: NotificationDelivery;
    readonly attempt: Attempt;
  },
): Promise<boolean> {
  const { delivery, attempt } = facts;
  const moment = now();
  // Other calls may have come back since this one began.
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
  if (status === gone) return 'the receiver answered 410: it is gone';
  return disable ? `nothing could be delivered for 3 days; last: ${error ?? ''}` : null;
}

/** Posts one message, signed with each of the secrets. Never rejects: what went wrong is in the answer. */
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
  const since = performance.now();
  const took = () => Math.round(performance.now() - since);
  try {
    const { status, retryAt, excerpt } = await http.post({
      url,
      headers,
      body: message.body,
      signal: stopping,
    });
    const delivered = status >= 200 && status < 300;
    const error = delivered ? null : `answered ${String(status)}`;
    return { delivered, status, error, retryAt, at, durationMs: took(), answer: excerpt };
  } catch (cause) {
    const error = reasonOfNoAnswer(cause);
    return { delivered: false, status: null, error, at, durationMs: took(), answer: null };
  }
}
