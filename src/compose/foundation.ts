/** What every other part needs: the database, files, the spool, metrics and traces. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';

import type { Config } from '../config.js';
import { createEvaluator } from '../infra/expressions/evaluator.js';
import { openBlobStore } from '../infra/files/open-blob-store.js';
import { createQuarantine } from '../infra/files/quarantine.js';
import { createStaging } from '../infra/files/staging.js';
import { createStorageWatch } from '../infra/files/storage-watch.js';
import type { Logger } from '../infra/logging/logger.js';
import { createMetrics } from '../infra/observability/metrics.js';
import { openTracing } from '../infra/observability/open-tracing.js';
import { openDatabase } from '../infra/postgres/database.js';
import { listen } from '../infra/postgres/notifications.js';
import type { ShutdownBudget } from '../infra/process/shutdown-budget.js';
import { createSpool } from '../infra/spool/spool.js';
import { createAudit } from '../infra/tables/audit.js';
import { createLookup } from '../infra/tables/media/lookup.js';
import { createPeopleSums } from '../infra/tables/people/sums.js';
import { createMediaTable } from '../infra/tables/media/media.js';
import { createObservers } from '../pipeline/observers.js';

export interface ComposeOptions {
  readonly databaseUrl: string;
  readonly publicUrl: string;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Reads what the start needs from the database, with retries while it is unavailable. */
  readonly readWithRetries: (read: () => Promise<void>) => Promise<void>;
}

export type Foundation = Awaited<ReturnType<typeof openFoundation>>;

/**
 * `close` ends everything except the database and the file store, which the other parts need until they have
 * ended.
 */
export async function openFoundation(
  config: Config,
  { databaseUrl, publicUrl, logger, now }: ComposeOptions,
) {
  const database = openDatabase(databaseUrl, logger);
  const mediaTable = createMediaTable(database.workByKey);
  const lookup = createLookup(database.api, createPeopleSums(database.api));
  const blobs = await openBlobStore(config, logger);
  const staging = createStaging(join(config.uploadsDir, 'tmp'));
  const quarantine = createQuarantine(join(config.uploadsDir, 'quarantine'), mediaTable.stillInfected);
  const storage = createStorageWatch({
    probe: () => Promise.all([staging.probe(), blobs.probe()]),
    onRecovery: mediaTable.wakeUnstored,
    logger,
  });
  const spoolFolder = join(config.inletDir, 'spool');
  const spool = createSpool({ folder: spoolFolder, maxBytes: config.spoolMaxBytes, logger });
  const metrics = createMetrics({ pool: database.work, spool, logger });
  const tracing = await openTracing(config.tracing, logger);
  const observers = createObservers(metrics, tracing);
  const notifications = listen(database, logger);
  const audit = createAudit(database.api, now);
  const evaluator = createEvaluator({ maxInputBytes: config.maxWebhookBytes });
  /** Aborts when the process starts to shut down: waiting jobs then stop waiting. */
  const stopping = new AbortController();
  // Each caller of `?wait=` listens to it.
  setMaxListeners(0, stopping.signal);

  return {
    databaseUrl,
    publicUrl,
    logger,
    now,
    database,
    mediaTable,
    lookup,
    blobs,
    staging,
    quarantine,
    storage,
    spoolFolder,
    spool,
    metrics,
    tracing,
    observers,
    notifications,
    audit,
    evaluator,
    stopping,
    close: async (budget: ShutdownBudget): Promise<void> => {
      storage.close();
      evaluator.close();
      await Promise.all([
        budget.waitFor('notifications', notifications.close()),
        budget.waitFor('the trace exporter', tracing.close()),
      ]);
    },
  };
}
