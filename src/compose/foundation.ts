/** What every other part stands on: the database, files, the spool, and what is observed. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';

import type { Config } from '../config.js';
import { openBlobStore } from '../infra/files/open-blob-store.js';
import { createQuarantine } from '../infra/files/quarantine.js';
import { createStaging } from '../infra/files/staging.js';
import { createStorageWatch } from '../infra/files/storage-watch.js';
import type { Logger } from '../infra/logging/logger.js';
import { createMetrics } from '../infra/observability/metrics.js';
import { openTracing } from '../infra/observability/open-tracing.js';
import { openDatabase } from '../infra/postgres/database.js';
import { listen } from '../infra/postgres/notifications.js';
import type { Patience } from '../infra/process/patience.js';
import { createSpool } from '../infra/spool/spool.js';
import { createAudit } from '../infra/tables/audit.js';
import { createLookup } from '../infra/tables/media/lookup.js';
import { createMediaTable } from '../infra/tables/media/media.js';
import { createObservers } from '../pipeline/observers.js';

export interface Surroundings {
  readonly databaseUrl: string;
  readonly publicUrl: string;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Runs what a start reads from the database; again, when the database was away meanwhile. */
  readonly readPatiently: (read: () => Promise<void>) => Promise<void>;
}

export type Foundation = Awaited<ReturnType<typeof openFoundation>>;

/** `close` ends everything but the database and the file store, which the other parts need until they have ended. */
export async function openFoundation(config: Config, { databaseUrl, publicUrl, logger, now }: Surroundings) {
  const database = openDatabase(databaseUrl, logger);
  const mediaTable = createMediaTable(database.workByKey);
  const lookup = createLookup(database);
  const blobs = await openBlobStore(config, logger);
  const staging = createStaging(join(config.uploadsDir, 'tmp'));
  const quarantine = createQuarantine(join(config.uploadsDir, 'quarantine'), database.work);
  const storage = createStorageWatch({
    tryOut: () => Promise.all([staging.tryOut(), blobs.tryOut()]),
    recovered: mediaTable.wakeUnstored,
    logger,
  });
  const spoolFolder = join(config.inletDir, 'spool');
  const spool = createSpool({ folder: spoolFolder, maxBytes: config.spoolMaxBytes, logger });
  const metrics = createMetrics({ pool: database.work, spool, logger });
  const tracing = await openTracing(config.tracing, logger);
  const observers = createObservers(metrics, tracing);
  const notifications = listen(database, logger);
  const audit = createAudit(database.api, now);
  /** Aborts when the process is about to end: jobs that wait give up their wait. */
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
    stopping,
    close: async (patience: Patience): Promise<void> => {
      storage.close();
      await Promise.all([
        patience.waitFor('notifications', notifications.close()),
        patience.waitFor('the collector of traces', tracing.close()),
      ]);
    },
  };
}
