/** Retention, erasing, and the jobs that repair inconsistencies. */
import type { Config } from '../config.js';
import type { Pseudonym } from '../domain/pseudonym.js';
import { noOwnRetention, type RetentionDays } from '../domain/retention.js';
import { findHeldMedia } from '../infra/tables/erasure/held.js';
import { createUnevaluatedDeliveries } from '../infra/tables/deliveries.js';
import { createErasure } from '../infra/tables/erasure/erasure.js';
import { createParked } from '../infra/tables/erasure/parked.js';
import { createRetention } from '../infra/tables/erasure/retention.js';
import { createDeletions } from '../infra/tables/media/deletions.js';
import { createPeople } from '../infra/tables/people/people.js';
import { createPeopleSums } from '../infra/tables/people/sums.js';
import { createEndedAccess } from '../infra/tables/ended-access.js';
import { createAlertTable } from '../infra/tables/alerts.js';
import { disabledByHand } from '../infra/tables/events/subscription.js';
import { createStatsSums } from '../infra/tables/stats-sums.js';
import type { ShutdownBudget } from '../infra/process/shutdown-budget.js';
import { createAlerts } from '../pipeline/housekeeping/alerts.js';
import { createErase } from '../pipeline/housekeeping/erase.js';
import { createMaintain } from '../pipeline/housekeeping/maintain.js';
import { createProcessReports } from '../pipeline/housekeeping/process-reports.js';
import { createRetain } from '../pipeline/housekeeping/retain.js';
import { createTakeBack } from '../pipeline/housekeeping/take-back.js';
import { createReadAgain } from '../pipeline/receive/read-again.js';
import { messageIdsIn } from '../pipeline/receive/replay.js';
import type { EventsPart } from './events.js';
import type { Foundation } from './foundation.js';
import type { MediaPart } from './media.js';
import type { Receiving } from './receiving.js';
import type { Sending } from './sending.js';

export interface HousekeepingDependencies {
  readonly foundation: Foundation;
  readonly pseudonym: Pseudonym;
  readonly receiving: Pick<Receiving, 'activity' | 'channels' | 'evaluate' | 'inbox'>;
  readonly media: MediaPart;
  readonly sendQueue: Sending['sendQueue'];
  readonly subscriptions: EventsPart['subscriptions'];
}

export function createHousekeeping(config: Config, dependencies: HousekeepingDependencies) {
  const { foundation, pseudonym, receiving, media, sendQueue, subscriptions } = dependencies;
  const { audit, database, logger, mediaTable, now, quarantine, spool, staging } = foundation;
  const peopleSums = createPeopleSums(database.work);
  const people = createPeople(database.api, createPeopleSums(database.api));
  const { orphans, discard } = media;
  const erasure = createErasure({
    pool: database.erasing,
    audit,
    now,
    messageIdsIn: (delivery) => messageIdsIn(delivery, receiving),
  });
  const erase = createErase({
    erasure,
    discard,
    quarantine,
    pseudonym,
    spool,
    people: peopleSums,
    idsOf: people.idsOf,
  });
  const unevaluated = createUnevaluatedDeliveries(database.work);
  const alerts = createAlertsPart(config, foundation, receiving);
  return {
    erasure,
    erase,
    people,
    start: alerts.reports.start,
    close: (budget: ShutdownBudget): Promise<void> =>
      budget.waitFor('reports of this process', alerts.reports.close()),
    maintain: createMaintain({
      table: mediaTable,
      subscriptions,
      sendQueue,
      staging,
      orphans,
      discard,
      stats: createStatsSums(database.work),
      people: peopleSums,
      endedAccess: createEndedAccess(database.work, now),
      alerts: alerts.tell,
      readAgain: createReadAgain({ ...receiving, deliveries: unevaluated, now }),
      logger,
      downloadTimeoutMs: config.fetch.timeoutMs,
    }),
    retain: createRetain({
      ...retentionParts(foundation),
      erasure,
      people: peopleSums,
      discard,
      daysOf: (channel) => retentionOf(config, receiving.channels, channel),
    }),
    takeBack: createTakeBack({
      deletions: createDeletions(database.work),
      erase,
      eraseWhenDeleted: config.eraseWhenDeleted,
    }),
  };
}

/** What retention uses of the foundation, with its tables. */
function retentionParts({ audit, database: { work }, now, quarantine, stopping }: Foundation) {
  return {
    audit,
    now,
    quarantine,
    stopping: () => stopping.signal.aborted,
    retention: createRetention(work),
    parked: createParked(work),
    heldOf: async (ids: readonly string[]) => new Set((await findHeldMedia(work, ids)).keys()),
  };
}

/** What a channel has of its own comes before what the settings of the service say of it. */
function retentionOf(
  { retention: { media, deliveries } }: Config,
  channels: Receiving['channels'],
  channel: string,
): RetentionDays {
  const own = channels.entry(channel)?.retention ?? noOwnRetention;
  const { byChannel } = media;
  return {
    mediaDays: own.mediaDays ?? (byChannel.has(channel) ? byChannel.get(channel) : media.common),
    deliveryDays: own.deliveryDays ?? deliveries.byChannel.get(channel) ?? deliveries.common,
  };
}

function createAlertsPart(
  config: Config,
  { database, logger, now, spool }: Foundation,
  { activity, channels }: HousekeepingDependencies['receiving'],
) {
  const table = createAlertTable(database.work, disabledByHand);
  const { diskFreePercent, ...thresholds } = config.alerts;
  return {
    tell: createAlerts({ table, channels, activity, thresholds, now }),
    reports: createProcessReports({
      table,
      spool,
      folders: [...new Set([config.inletDir, config.uploadsDir])],
      diskFreePercent,
      logger,
      now,
    }),
  };
}
