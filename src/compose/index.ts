/**
 * Builds the services from the settings. The only folder that sees both the adapters of the providers and the
 * infrastructure.
 */
import type { RequestListener } from 'node:http';

import type { Config } from '../config.js';
import { createPseudonym } from '../domain/pseudonym.js';
import { createApp, type AppOptions } from '../http/app.js';
import type { StorageWatch } from '../infra/files/storage-watch.js';
import { startShutdownBudget } from '../infra/process/shutdown-budget.js';
import { createQueue, type Queue } from '../infra/queue/queue.js';
import { createOpenAlerts } from '../infra/tables/alerts.js';
import { createAnnotationTable } from '../infra/tables/media/annotations.js';
import { createTimeline } from '../infra/tables/people/timeline.js';
import { createEvidenceSource } from '../infra/tables/media/evidence.js';
import { createFactTable } from '../infra/tables/media/facts.js';
import { createFavouriteTable } from '../infra/tables/media/favourites.js';
import { createFindSimilar } from '../infra/tables/media/similar.js';
import { createStats } from '../infra/tables/stats.js';
import { createKnownMessages } from '../infra/tables/known-messages.js';
import { createSavedViewTable } from '../infra/tables/saved-views.js';
import { createBackfill } from '../pipeline/channels/backfill.js';
import { createConnectChannels } from '../pipeline/channels/connect.js';
import { createHolds } from '../pipeline/holds.js';
import { createTaskList } from '../pipeline/task-list.js';
import { providers } from '../providers/index.js';
import { createAccess } from './access.js';
import { createCalls } from './calls.js';
import { createEvents } from './events.js';
import { openFoundation, type Foundation, type ComposeOptions } from './foundation.js';
import { createHousekeeping } from './housekeeping.js';
import { createMedia } from './media.js';
import { createReceiving } from './receiving.js';
import { createSending } from './sending.js';
import { readVersion } from './version.js';

export interface Services {
  readonly app: RequestListener;
  readonly queue: Queue;
  readonly storage: Pick<StorageWatch, 'check' | 'whenWritable'>;
  /** The ids of the channels that accept webhooks. */
  readonly enabledChannels: readonly string[];
  /** Closes what is still open; the queue and the server are stopped before. */
  readonly close: () => Promise<void>;
}

/**
 * The number of pictures that are processed at once; most of them wait for a host or a decoder, at little
 * cost.
 */
const maxConcurrentJobs = 128;
/**
 * How long downloads and calls to providers may continue during a shutdown. Shorter than the queue's own
 * grace period.
 */
const callGraceMs = 4_000;
/**
 * How long pictures may wait for a decoder during a shutdown. Pictures that are being decoded have two more
 * seconds.
 */
const decoderGraceMs = 3_000;
/** The timeout for closing everything else after the queue has stopped. */
const closeTimeoutMs = 2_000;

/** Resolves when everything that the start needs was read from the database. */
export async function compose(config: Config, options: ComposeOptions): Promise<Services> {
  const foundation = await openFoundation(config, options);
  const parts = createParts(config, foundation);
  const { receiving } = parts;
  await options.readWithRetries(receiving.channels.reload);
  if (receiving.channels.entries().some(({ channel }) => channel?.adapter.translate))
    foundation.evaluator.start();
  receiving.spooling.start();
  foundation.storage.start();
  parts.housekeeping.start();
  const queue = createJobs(foundation, parts);
  return {
    app: createApi(config, foundation, { ...parts, queue }),
    queue: withGracefulStop(queue, foundation, parts),
    storage: foundation.storage,
    enabledChannels: receiving.channels
      .entries()
      .filter(({ enabled }) => enabled)
      .map(({ id }) => id),
    close: () => closeAll(foundation, parts),
  };
}

type Parts = ReturnType<typeof createParts>;

function createParts(config: Config, foundation: Foundation) {
  const { audit, database, now, publicUrl } = foundation;
  const pseudonym = createPseudonym(config.authSecret);
  const calls = createCalls(config);
  const receiving = createReceiving(config, foundation, pseudonym);
  const { channels } = receiving;
  const media = createMedia(config, { foundation, calls, channels });
  const sending = createSending(config, { foundation, calls, media, receiving });
  const events = createEvents(config, foundation, calls);
  const housekeeping = createHousekeeping(config, {
    foundation,
    pseudonym,
    receiving,
    media,
    sendQueue: sending.sendQueue,
    subscriptions: events.subscriptions,
  });
  const connectChannels = createConnectChannels({
    channels,
    providers,
    http: calls.httpOf,
    audit,
    publicUrl,
  });
  const backfill = createBackfill({
    channels,
    http: calls.httpOf,
    known: createKnownMessages(database.api, pseudonym),
    receive: receiving.receiveFetched,
    audit,
    now,
    stopping: foundation.stopping.signal,
  });
  return {
    calls,
    receiving,
    media,
    sending,
    events,
    housekeeping,
    connectChannels,
    backfill,
    access: createAccess(config, foundation, calls),
    pseudonym,
  };
}

function createJobs({ database, logger, tracing }: Foundation, parts: Parts): Queue {
  const { media, sending, events, housekeeping } = parts;
  return createQueue({
    database,
    logger,
    tasks: createTaskList({
      notify: events.notify,
      send: sending.send,
      maintain: housekeeping.maintain,
      discard: media.discard,
      retain: housekeeping.retain,
      takeBack: housekeeping.takeBack,
      previewLate: media.previewLate,
      fetch: (job) => tracing.fetch(job.mediaId, () => media.fetch(job)),
    }),
    concurrency: maxConcurrentJobs,
  });
}

function createApi(config: Config, foundation: Foundation, parts: Parts & { queue: Queue }): RequestListener {
  const { database, stopping, storage } = foundation;
  const { access, calls, receiving, media, sending, events, housekeeping, queue } = parts;
  return createApp(
    {
      ...access.services,
      ...evidenceServices(foundation, parts),
      ...galleryServices(foundation),
      blobs: foundation.blobs,
      staging: foundation.staging,
      spool: foundation.spool,
      mediaTable: foundation.mediaTable,
      lookup: foundation.lookup,
      audit: foundation.audit,
      metrics: foundation.metrics,
      tracing: foundation.tracing,
      notifications: foundation.notifications,
      logger: foundation.logger,
      publicUrl: foundation.publicUrl,
      now: foundation.now,
      stopping: stopping.signal,
      webhookSeen: foundation.observers.webhook,
      people: housekeeping.people,
      timeline: createTimeline(database.api, foundation.lookup.mediaByIds),
      stats: createStats(database.api),
      providers,
      pseudonym: parts.pseudonym,
      channels: receiving.channels,
      manageChannels: receiving.manageChannels,
      backfill: parts.backfill,
      connectChannels: parts.connectChannels,
      activity: receiving.activity,
      inbox: receiving.inbox,
      evaluate: receiving.evaluate,
      preview: receiving.preview,
      receive: receiving.receive,
      addUpload: media.addUpload,
      documentPages: media.documentPages,
      links: sending.links,
      outbound: sending.outbound,
      queueMessage: sending.queueMessage,
      guardedPost: calls.post,
      events: events.events,
      subscriptions: events.managedSubscriptions,
      postSigned: events.postSigned,
      erasure: housekeeping.erasure,
      erase: housekeeping.erase,
      readiness: {
        database: () => database.work.query('select 1'),
        spooling: receiving.spooling.state,
        queue: () => config.processMode === 'api' || queue.isRunning(),
        uploads: storage.check,
        stopping: stopping.signal,
      },
    },
    limitsOf(config),
  );
}

/** What people and programs know about media, and how people look at them. */
function galleryServices({ database, now }: Foundation) {
  return {
    annotations: createAnnotationTable(database.api),
    facts: createFactTable(database.api, now),
    favourites: createFavouriteTable(database.api),
    findSimilar: createFindSimilar(database.api),
    openAlerts: createOpenAlerts(database.api),
    savedViews: createSavedViewTable(database.api),
  };
}

/** Legal holds, and what reports about media ask for. */
function evidenceServices({ audit, database, now }: Foundation, { housekeeping, pseudonym }: Parts) {
  return {
    holds: createHolds({ database, audit, people: housekeeping.people, pseudonym, now }),
    evidenceSource: createEvidenceSource(database.api),
    version: readVersion(),
  };
}

function limitsOf(config: Config): AppOptions {
  return {
    maxWebhookBytes: config.maxWebhookBytes,
    maxMediaBytes: config.maxMediaBytes,
    trustedProxyHops: config.trustedProxyHops,
    apiRequestsPerMinute: config.apiRequestsPerMinute,
    failedProofsPerMinute: config.failedWebhooksPerMinute,
  };
}

/** Wraps the queue so that a stop gives jobs a grace period and then aborts what they wait for. */
function withGracefulStop(queue: Queue, { stopping }: Foundation, { calls, media }: Parts): Queue {
  return {
    ...queue,
    stop: async () => {
      stopping.abort();
      // Running downloads then keep their jobs; the outcome of a message without a response is unknown.
      const timers = [
        setTimeout(() => {
          media.abortScans();
          void calls.abort();
        }, callGraceMs),
        setTimeout(media.stopWaiting, decoderGraceMs),
      ];
      await queue.stop();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function closeAll(foundation: Foundation, parts: Parts): Promise<void> {
  const budget = startShutdownBudget(closeTimeoutMs, foundation.logger);
  const { access, calls, receiving, media, events, housekeeping } = parts;
  media.abortScans();
  await Promise.all([
    receiving.close(budget),
    events.close(budget),
    housekeeping.close(budget),
    calls.close(budget),
    access.close(budget),
    foundation.close(budget),
  ]);
  media.close();
  foundation.blobs.close();
  await budget.waitFor('the database connections', foundation.database.close());
}
