/** Events: their log, and the calls to subscribers. */
import type { Config } from '../config.js';
import { eventView } from '../http/views/event.js';
import type { ShutdownBudget } from '../infra/process/shutdown-budget.js';
import { createSealedBox } from '../infra/secrets/sealed-box.js';
import { createEventLog } from '../infra/tables/events/log.js';
import { openOutbox } from '../infra/tables/events/publisher.js';
import { createSubscriptionTable } from '../infra/tables/events/subscriptions.js';
import { createLookup } from '../infra/tables/media/lookup.js';
import { createPeopleSums } from '../infra/tables/people/sums.js';
import { createNotify, postSigned } from '../pipeline/notify.js';
import type { Calls } from './calls.js';
import type { Foundation } from './foundation.js';

export function createEvents(config: Config, foundation: Foundation, { post }: Calls) {
  const { database, logger, lookup, notifications, now, observers, stopping } = foundation;
  const outbox = openOutbox(database.work, notifications, logger);
  const secrets = createSealedBox(config.authSecret, 'subscriptions');
  const subscriptions = createSubscriptionTable(database.work, secrets);
  const calling = { http: post, now, stopping: stopping.signal };
  const notify = createNotify({
    ...calling,
    table: subscriptions,
    chance: Math.random,
    logger,
    // Uses its own connections, so that API requests do not delay subscribers.
    events: createEventLog(database.work, createLookup(database.work, createPeopleSums(database.work))),
    observe: observers.posted,
    render: (event) => JSON.stringify(eventView(event)),
  });

  return {
    events: createEventLog(database.api, lookup),
    /** The table for jobs. */
    subscriptions,
    /** The table for the API, which has its own connections. */
    managedSubscriptions: createSubscriptionTable(database.api, secrets),
    notify,
    postSigned: (call: Parameters<typeof postSigned>[1]) => postSigned(calling, call),
    close: (budget: ShutdownBudget): Promise<void> => budget.waitFor('publishing of events', outbox.close()),
  };
}

export type EventsPart = ReturnType<typeof createEvents>;
