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
import { createTokenSigner } from '../infra/secrets/token-signer.js';
import { createStats } from '../infra/tables/stats.js';
import { createTaskList } from '../pipeline/task-list.js';
import { createTokens } from '../pipeline/tokens.js';
import { providers } from '../providers/index.js';
import { createCalls } from './calls.js';
import { createEvents } from './events.js';
import { openFoundation, type Foundation, type ComposeOptions } from './foundation.js';
import { createHousekeeping } from './housekeeping.js';
import { createMedia } from './media.js';
import { createReceiving } from './receiving.js';
import { createSending } from './sending.js';

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
  receiving.spooling.start();
  foundation.storage.start();
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
  const { audit, database, logger, now } = foundation;
  const pseudonym = createPseudonym(config.authSecret);
  const calls = createCalls(config);
  const receiving = createReceiving(config, foundation, pseudonym);
  const { channels } = receiving;
  const media = createMedia(config, { foundation, calls, channels });
  const sending = createSending(config, { foundation, calls, media, channels });
  const events = createEvents(config, foundation, calls);
  const housekeeping = createHousekeeping(config, {
    foundation,
    pseudonym,
    channels,
    media,
    sendQueue: sending.sendQueue,
    subscriptions: events.subscriptions,
  });
  const signer = createTokenSigner(config.authSecret, now);
  const tokens = createTokens({ signer, database, audit, logger, now });
  return { calls, receiving, media, sending, events, housekeeping, tokens };
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
  const { calls, receiving, media, sending, events, housekeeping, tokens, queue } = parts;
  return createApp(
    {
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
      stats: createStats(database.api),
      providers,
      tokens,
      channels: receiving.channels,
      manageChannels: receiving.manageChannels,
      activity: receiving.activity,
      inbox: receiving.inbox,
      receive: receiving.receive,
      addUpload: media.addUpload,
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
  const { calls, receiving, media, events, tokens } = parts;
  media.abortScans();
  await Promise.all([
    receiving.close(budget),
    events.close(budget),
    calls.close(budget),
    budget.waitFor('recording the use of tokens', tokens.close()),
    foundation.close(budget),
  ]);
  media.close();
  foundation.blobs.close();
  await budget.waitFor('the database connections', foundation.database.close());
}
