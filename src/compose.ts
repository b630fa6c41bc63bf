/** Config → services. The only file that sees both the providers' adapters and the outside things they are given. */
import type { RequestListener } from 'node:http';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import type { Config } from './config.js';
import type { Channel } from './domain/channel.js';
import { createPseudonym } from './domain/pseudonym.js';
import type { Http } from './domain/provider.js';
import { createLinkSigner } from './domain/signed-link.js';
import { createApp } from './http/app.js';
import { eventView } from './http/event-view.js';
import { createAudit } from './infra/audit.js';
import { createChannelActivity } from './infra/channel-activity.js';
import { createChannelTable } from './infra/channel-table.js';
import { openDatabase, whileAlone } from './infra/database.js';
import { createErasure } from './infra/erasure.js';
import { createEventLog } from './infra/event-log.js';
import { createGuardedPost } from './infra/guarded-post.js';
import { createHeicDecoder } from './infra/heic.js';
import { createHttp } from './infra/http-client.js';
import { createImageDecoder, type ImageDecoder } from './infra/images.js';
import { createInbox } from './infra/inbox.js';
import { createIsolatedDecoder } from './infra/isolated-decoder.js';
import type { Logger } from './infra/logger.js';
import { createLookup } from './infra/lookup.js';
import { watchMainThread } from './infra/main-thread.js';
import { createMalwareScanner } from './infra/malware-scanner.js';
import { createMetrics } from './infra/metrics.js';
import { createMediaTable } from './infra/media-table.js';
import { listen } from './infra/notifications.js';
import { createObservers } from './infra/observers.js';
import { openOutbox } from './infra/outbox.js';
import { createOrphans } from './infra/orphans.js';
import { startPatience } from './infra/patience.js';
import { createOutboundTable } from './infra/outbound-table.js';
import { looksPublic } from './infra/public-address.js';
import { createQuarantine } from './infra/quarantine.js';
import { createRetention } from './infra/retention.js';
import { createQueue, type Queue } from './infra/queue.js';
import { createSafeFetch } from './infra/safe-fetch.js';
import { createSealedBox } from './infra/sealed-box.js';
import { createSendQueue } from './infra/send-queue.js';
import { createSpool } from './infra/spool.js';
import { createStaging } from './infra/staging.js';
import { createStats } from './infra/stats.js';
import { createTokenSigner } from './infra/token-signer.js';
import { createSubscriptionTable } from './infra/subscription-table.js';
import { createTokens } from './infra/tokens.js';
import { openBlobStore } from './infra/open-blob-store.js';
import { openTracing } from './infra/open-tracing.js';
import { createFrameGrabber } from './infra/video-frames.js';
import { createDiscard } from './pipeline/discard.js';
import { createErase } from './pipeline/erase.js';
import { createChannelRegistry } from './pipeline/channel-registry.js';
import { sealedSettings } from './pipeline/channel-settings.js';
import { createFetch } from './pipeline/fetch.js';
import { createHostGate } from './pipeline/host-gate.js';
import { createMaintain } from './pipeline/maintain.js';
import { createManageChannels } from './pipeline/manage-channels.js';
import { createNotify, postSigned } from './pipeline/notify.js';
import { createContentOf } from './pipeline/outbound-content.js';
import { createOutboundMedia } from './pipeline/outbound-media.js';
import { createMakePreviews } from './pipeline/previews.js';
import { createQueueMessage, type QueueMessage } from './pipeline/queue-message.js';
import { createReceive } from './pipeline/receive.js';
import { createRetain } from './pipeline/retain.js';
import { createSend } from './pipeline/send.js';
import { createSpooling } from './pipeline/spooling.js';
import { createStore } from './pipeline/store.js';
import { createTaskList } from './pipeline/task-list.js';
import { providers } from './providers/index.js';

export interface Services {
  readonly app: RequestListener;
  readonly queue: Queue;
  /** Ids of the channels that take webhooks. */
  readonly enabledChannels: readonly string[];
  /** Ends what is still open; the queue and the server are stopped before. */
  readonly close: () => Promise<void>;
}

export interface Surroundings {
  readonly databaseUrl: string;
  readonly publicUrl: string;
  readonly logger: Logger;
  readonly now: () => Date;
}

/** Pictures that may be under way at once; most of them wait for a host or a decoder, at little cost. */
const jobsAtOnce = 128;
const waitingPerHost = 32;
/** How long downloads and calls to providers may go on when the process is to end. Shorter than the queue's own grace. */
const lastAnswerMs = 4_000;
/** How long pictures wait for a decoder then. Those that are being decoded have two more seconds. */
const lastDecoderMs = 3_000;
/** For the end of everything that is left when the queue has stopped. */
const closingMs = 2_000;
/** A subscriber has this long to take an event. */
const subscriberTimeoutMs = 15_000;

/** Resolves when everything that it needs to begin with has been read from the database. */
export async function compose(
  config: Config,
  { databaseUrl, publicUrl, logger, now }: Surroundings,
): Promise<Services> {
  const database = openDatabase(databaseUrl, logger);
  const [table, lookup] = [createMediaTable(database.byKey), createLookup(database)];
  const blobs = await openBlobStore(config);
  const staging = createStaging(join(config.uploadsDir, 'tmp'));
  const spoolFolder = join(config.inletDir, 'spool');
  const spool = createSpool({ folder: spoolFolder, maxBytes: config.spoolMaxBytes, logger });
  const metrics = createMetrics({ pool: database.pool, spool, logger });
  const tracing = await openTracing(config.tracing, logger);
  const observers = createObservers(metrics, tracing);
  const images = timed(createImageDecoder({ maxPixels: config.maxImagePixels }), observers.previewed);
  const scanner = config.clamd && createMalwareScanner(config.clamd);
  const quarantine = createQuarantine(join(config.uploadsDir, 'quarantine'), database.pool);
  const cores = availableParallelism();
  // Each picture waits now and then, for its file or for the main thread: one more keeps the cores busy, and whoever waits for an
  // answer waits for it.
  const isIdle = watchMainThread();
  const decoders = () => (isIdle() ? cores + 1 : cores);
  const { ffmpeg } = config;
  const [stopping, lastCall] = [new AbortController(), new AbortController()];
  const isolated = createIsolatedDecoder({ maxPixels: config.maxImagePixels });
  const makePreviews = createMakePreviews({
    ...{ images, isolated, decoders, lastCall: lastCall.signal },
    grabFrame: ffmpeg === undefined ? undefined : createFrameGrabber({ ffmpeg }),
    decodeHeic: createHeicDecoder({ maxPixels: config.maxImagePixels }),
  });
  const store = createStore({
    ...{ blobs, makePreviews, table, now },
    scanning: scanner && { scan: scanner.scan, quarantine },
  });
  const inbox = createInbox(database.byKey);
  const download = createSafeFetch(config.fetch);
  const http = createHttp({ timeoutMs: config.fetch.timeoutMs });
  const guardedHttp = createHttp({
    timeoutMs: config.fetch.timeoutMs,
    publicAddressesAnd: config.fetch.allowPrivateHosts,
  });
  const notifications = listen(database, logger);
  const audit = createAudit(database.pool, now);
  const signer = createTokenSigner(config.authSecret, now);
  const tokens = createTokens({ signer, database, notifications, audit, logger, now });
  const channelTable = createChannelTable(database.pool);
  const sealed = sealedSettings(createSealedBox(config.authSecret, 'channel settings'));
  const channels = createChannelRegistry({
    ...{ fixed: config.channels, kinds: providers, table: channelTable },
    ...{ sealed, notifications, logger, now },
  });
  const manageChannels = createManageChannels({
    ...{ kinds: providers, registry: channels, table: channelTable, sealed, audit, now },
  });
  const spooling = createSpooling({
    ...{ spool, inbox, channels, logger },
    whileAlone: (work) => whileAlone(databaseUrl, `spool ${spoolFolder}`, work),
  });
  const activity = createChannelActivity(database.pool, logger);
  const { fetch: limits } = config;
  const gate = createHostGate({
    total: limits.concurrency,
    perHost: limits.concurrencyPerHost,
    waitingPerHost,
  });
  const erasure = createErasure(database.pool, audit, now);
  const orphans = createOrphans(database.pool);
  const discard = createDiscard({ orphans, blobs });

  const links = createLinkSigner(config.authSecret);
  const linksReachUs =
    config.publicMediaLinks === 'auto'
      ? looksPublic(new URL(publicUrl))
      : config.publicMediaLinks === 'always';
  const outbound = createOutboundTable(database.pool);
  const sendQueue = createSendQueue(database.pool, now);
  const httpOf = ({ source }: Channel): Http => (source === 'environment' ? http : guardedHttp);
  const queueMessage = createQueueMessage({
    ...{ channels, kinds: providers, lookup, table: outbound, now },
    lookAt: createOutboundMedia({
      ...{ download, staging, blobs, images, store, linksReachUs },
      ...{ maxBytes: config.maxMediaBytes, decoders: cores },
    }),
  });
  const tracedQueueing: QueueMessage = async (request, asker) => {
    const id = await queueMessage(request, asker);
    tracing.queued(id);
    return id;
  };
  const send = createSend({
    ...{
      queue: sendQueue,
      observe: observers.sent,
      channels,
      http: httpOf,
      logger,
      now,
      chance: Math.random,
      stopping: stopping.signal,
    },
    contentOf: createContentOf({ blobs, links, linksReachUs, publicUrl, now }),
  });
  const fetch = createFetch({
    ...{ table, channels, download, staging, store, blobs, discard, gate, logger, now },
    http: httpOf,
    observe: observers.fetched,
    chance: Math.random,
    ...{
      maxBytes: config.maxMediaBytes,
      maxAttempts: limits.maxAttempts,
      stopping: () => stopping.signal.aborted,
    },
  });
  const events = createEventLog(database, lookup);
  const outbox = openOutbox(database.pool, notifications, logger);
  const subscriptions = createSubscriptionTable(
    database.pool,
    createSealedBox(config.authSecret, 'subscriptions'),
  );
  const post = createGuardedPost({ ...limits, timeoutMs: subscriberTimeoutMs });
  const calling = { http: post, now, stopping: stopping.signal };
  const notify = createNotify({
    ...{ ...calling, table: subscriptions, events, chance: Math.random },
    observe: observers.posted,
    render: (event) => JSON.stringify(eventView(event)),
  });
  const maintain = createMaintain({
    ...{ table, subscriptions, sendQueue, staging, orphans, discard, logger },
    downloadTimeoutMs: limits.timeoutMs,
  });
  const retain = createRetain({
    ...{ erasure, discard, quarantine, audit, now, ...config.retention },
    retention: createRetention(database.pool),
    stopping: () => stopping.signal.aborted,
  });
  const queue = createQueue({
    database,
    logger,
    tasks: createTaskList({
      ...{ notify, send, maintain, discard, retain },
      fetch: (job) => tracing.fetch(job.mediaId, () => fetch(job)),
    }),
    concurrency: jobsAtOnce,
  });
  const app = createApp(
    {
      stats: createStats(database.pool),
      ...{ spool, metrics, tracing, webhookSeen: observers.webhook },
      ...{ channels, lookup, table, blobs, staging, store, inbox, notifications, logger, publicUrl, now },
      ...{ events, subscriptions, post, stopping: stopping.signal },
      postSigned: (call) => postSigned(calling, call),
      receive: createReceive(inbox, spooling),
      ...{ links, outbound, queueMessage: tracedQueueing },
      ...{ tokens, audit, erasure, manageChannels, providers, activity },
      erase: createErase({ erasure, discard, quarantine, pseudonym: createPseudonym(config.authSecret) }),
      readiness: {
        database: () => database.pool.query('select 1'),
        spooling: spooling.state,
        queue: () => config.processMode === 'api' || queue.isRunning(),
        uploads: () => Promise.all([staging.tryOut(), blobs.tryOut()]),
        stopping: stopping.signal,
      },
    },
    {
      maxWebhookBytes: config.maxWebhookBytes,
      maxMediaBytes: config.maxMediaBytes,
      trustedProxyHops: config.trustedProxyHops,
      apiRequestsPerMinute: config.apiRequestsPerMinute,
      failedProofsPerMinute: config.failedWebhooksPerMinute,
    },
  );

  const cutOffCalls = (): Promise<unknown> => {
    scanner?.close();
    return Promise.all([download.close(), http.close(), guardedHttp.close()]);
  };

  await channels.reload();
  spooling.start();
  return {
    app,
    enabledChannels: channels
      .entries()
      .filter(({ enabled }) => enabled)
      .map(({ id }) => id),
    queue: {
      ...queue,
      stop: async () => {
        stopping.abort();
        // Downloads that are still running then keep their jobs; what becomes of a message without an answer is not known.
        const timers = [
          setTimeout(() => void cutOffCalls(), lastAnswerMs),
          setTimeout(() => {
            lastCall.abort();
          }, lastDecoderMs),
        ];
        await queue.stop();
        for (const timer of timers) clearTimeout(timer);
      },
    },
    close: async () => {
      const patience = startPatience(closingMs, logger);
      channels.close();
      await Promise.all([
        patience.waitFor('the spool', spooling.close()),
        patience.waitFor('events that are to be published', outbox.close()),
        patience.waitFor('the activity of channels', activity.close()),
        patience.waitFor('notifications', notifications.close()),
        patience.waitFor('the use of tokens', tokens.close()),
        patience.waitFor('calls that are under way', Promise.all([cutOffCalls(), post.close()])),
        patience.waitFor('the collector of traces', tracing.close()),
      ]);
      isolated.close();
      blobs.close();
      await patience.waitFor('connections to the database', database.close());
    },
  };
}

function timed(images: ImageDecoder, previewed: (milliseconds: number) => void): ImageDecoder {
  return {
    ...images,
    preview: async (input) => {
      const began = performance.now();
      const made = await images.preview(input);
      previewed(performance.now() - began);
      return made;
    },
  };
}
