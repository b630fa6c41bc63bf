/**
 * Runs every minute: requeues pending media without a job, deletes files without an owner, adds changes of
 * the statistics and of people to their sums, deletes ended sessions, begins and ends alerts, and reads webhooks
 * again that could not be evaluated.
 */
import type { Staging } from '../../infra/files/staging.js';
import type { Logger } from '../../infra/logging/logger.js';
import type { SubscriptionTable } from '../../infra/tables/events/subscriptions.js';
import type { Orphans } from '../../infra/tables/media/blobs.js';
import type { EndedAccess } from '../../infra/tables/ended-access.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import type { PeopleSums } from '../../infra/tables/people/sums.js';
import type { SendQueue } from '../../infra/tables/sending/send-queue.js';
import type { StatsSums } from '../../infra/tables/stats-sums.js';
import type { Discard } from '../media/discard.js';

export interface MaintainOptions {
  readonly table: Pick<MediaTable, 'reconcile'>;
  readonly subscriptions: Pick<SubscriptionTable, 'reconcile'>;
  readonly sendQueue: Pick<SendQueue, 'reconcile'>;
  readonly staging: Pick<Staging, 'sweep'>;
  readonly orphans: Pick<Orphans, 'left'>;
  readonly discard: Discard;
  readonly stats: Pick<StatsSums, 'foldMost'>;
  readonly people: Pick<PeopleSums, 'foldMost'>;
  readonly endedAccess: EndedAccess;
  /** Begins and ends alerts. */
  readonly alerts: () => Promise<void>;
  /** Reads webhooks again that could not be evaluated when they arrived. */
  readonly readAgain: () => Promise<number>;
  readonly logger: Logger;
  readonly downloadTimeoutMs: number;
}

/**
 * A temporary file exists as long as its download and the wait for a decoder take, and stored bytes are
 * unused only until the next statement. Much older files were left by a process that died.
 */
const graceMs = 600_000;

export function createMaintain({
  table,
  subscriptions,
  sendQueue,
  staging,
  orphans,
  discard,
  stats,
  people,
  endedAccess,
  alerts,
  readAgain,
  logger,
  downloadTimeoutMs,
}: MaintainOptions): () => Promise<void> {
  return async () => {
    const requeued = await table.reconcile();
    await subscriptions.reconcile();
    await sendQueue.reconcile();
    const swept = await staging.sweep(downloadTimeoutMs + graceMs);
    const left = await orphans.left(graceMs);
    await discard(left);
    await stats.foldMost();
    await people.foldMost();
    await endedAccess.remove();
    await alerts();
    const understood = await readAgain();
    if (understood > 0) logger.info({ webhooks: understood }, 'webhooks were read again');
    const orphaned = left.length;
    if (requeued + swept + orphaned > 0)
      logger.warn({ requeued, swept, orphaned }, 'leftovers were cleaned up');
  };
}
