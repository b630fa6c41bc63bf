/** Retention, erasing, and the jobs that repair inconsistencies. */
import type { Config } from '../config.js';
import type { Pseudonym } from '../domain/pseudonym.js';
import { createErasure } from '../infra/tables/erasure/erasure.js';
import { createRetention } from '../infra/tables/erasure/retention.js';
import { createDeletions } from '../infra/tables/media/deletions.js';
import { createStatsSums } from '../infra/tables/stats-sums.js';
import { createErase } from '../pipeline/housekeeping/erase.js';
import { createMaintain } from '../pipeline/housekeeping/maintain.js';
import { createRetain } from '../pipeline/housekeeping/retain.js';
import { createTakeBack } from '../pipeline/housekeeping/take-back.js';
import { messageIdsIn } from '../pipeline/receive/replay.js';
import type { EventsPart } from './events.js';
import type { Foundation } from './foundation.js';
import type { MediaPart } from './media.js';
import type { Receiving } from './receiving.js';
import type { Sending } from './sending.js';

export interface HousekeepingDependencies {
  readonly foundation: Foundation;
  readonly pseudonym: Pseudonym;
  readonly channels: Receiving['channels'];
  readonly media: MediaPart;
  readonly sendQueue: Sending['sendQueue'];
  readonly subscriptions: EventsPart['subscriptions'];
}

export function createHousekeeping(config: Config, dependencies: HousekeepingDependencies) {
  const { foundation, pseudonym, channels, media, sendQueue, subscriptions } = dependencies;
  const { audit, database, logger, mediaTable, now, quarantine, spool, staging, stopping } = foundation;
  const { orphans, discard } = media;
  const erasure = createErasure({
    pool: database.erasing,
    audit,
    now,
    messageIdsIn: (delivery) => messageIdsIn(delivery, channels),
  });
  const erase = createErase({ erasure, discard, quarantine, pseudonym, spool });
  return {
    erasure,
    erase,
    maintain: createMaintain({
      table: mediaTable,
      subscriptions,
      sendQueue,
      staging,
      orphans,
      discard,
      stats: createStatsSums(database.work),
      logger,
      downloadTimeoutMs: config.fetch.timeoutMs,
    }),
    retain: createRetain({
      erasure,
      discard,
      quarantine,
      audit,
      now,
      ...config.retention,
      retention: createRetention(database.work),
      stopping: () => stopping.signal.aborted,
    }),
    takeBack: createTakeBack({
      deletions: createDeletions(database.work),
      erase,
      eraseWhenDeleted: config.eraseWhenDeleted,
    }),
  };
}
