/** Settings become services. The only folder that sees both the providers' adapters and the outside things they are given. */
import type { RequestListener } from 'node:http';

import type { Config } from '../config.js';
import { createPseudonym } from '../domain/pseudonym.js';
import { createApp, type AppOptions } from '../http/app.js';
import type { StorageWatch } from '../infra/files/storage-watch.js';
import { startPatience } from '../infra/process/patience.js';
import { createQueue, type Queue } from '../infra/queue/queue.js';
import { createTokenSigner } from '../infra/secrets/token-signer.js';
import { createStats } from '../infra/tables/stats.js';
import { createTaskList } from '../pipeline/task-list.js';
import { createTokens } from '../pipeline/tokens.js';
import { providers } from '../providers/index.js';
import { createCalls } from './calls.js';
import { createEvents } from './events.js';
import { openFoundation, type Foundation, type Surroundings } from './foundation.js';
import { createHousekeeping } from './housekeeping.js';
import { createMedia } from './media.js';
import { createReceiving } from './receiving.js';
import { createSending } from './sending.js';

export interface Services {
  readonly app: RequestListener;
  readonly queue: Queue;
  readonly storage: Pick<StorageWatch, 'look' | 'usable'>;
  /** Ids of the channels that take webhooks. */
  readonly enabledChannels: readonly string[];
  /** Ends what is still open; the queue and the server are stopped before. */
  readonly close: () => Promise<void>;
}

/** Pictures that may be under way at once; most of them wait for a host or a decoder, at little cost. */
const jobsAtOnce = 128;
/** How long downloads and calls to providers may go on when the process is about to end. Shorter than the queue's own grace. */
const lastAnswerMs = 4_000;
/** How long pictures wait for a decoder then. Those that are being decoded have two more seconds. */
const lastDecoderMs = 3_000;
/** For the end of everything that is left when the queue has stopped. */
const closingMs = 2_000;

/** Resolves when everything that it needs to begin with has been read from the database. */
export async function compose(config: Config, surroundings: Surroundings): Promise<Services> {
  const foundation = await openFoundation(config, surroundings);
  const parts = createParts(config, foundation);
  const { receiving } = parts;
  await surroundings.readPatiently(receiving.channels.reload);
  receiving.spooling.start();
  foundation.storage.start();
  const queue = createJobs(foundation, parts);
  return {
    app: createApi(config, foundation, { ...parts, queue }),
    queue: endingWithTheQueue(queue, foundation, parts),
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
  const { audit, database, logger, notifications, now } = foundation;
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
  const tokens = createTokens({ signer, database, notifications, audit, logger, now });
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
    concurrency: jobsAtOnce,
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
      table: foundation.mediaTable,
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
      store: media.store,
      links: sending.links,
      outbound: sending.outbound,
      queueMessage: sending.queueMessage,
      post: calls.post,
      events: events.events,
      subscriptions: events.managedSubscriptions,
      postSigned: events.postSigned,
      erasure: housekeeping.erasure,
      erase: housekeeping.erase,
      readiness: {
        database: () => database.work.query('select 1'),
        spooling: receiving.spooling.state,
        queue: () => config.processMode === 'api' || queue.isRunning(),
        uploads: storage.look,
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

/** The queue, whose end gives jobs a last while and then cuts off what they wait for. */
function endingWithTheQueue(queue: Queue, { stopping }: Foundation, { calls, media }: Parts): Queue {
  return {
    ...queue,
    stop: async () => {
      stopping.abort();
      // Downloads that are still running then keep their jobs; what becomes of a message without an answer is not known.
      const timers = [
        setTimeout(() => {
          media.cutOffScans();
          void calls.cutOff();
        }, lastAnswerMs),
        setTimeout(media.lastCall, lastDecoderMs),
      ];
      await queue.stop();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

async function closeAll(foundation: Foundation, parts: Parts): Promise<void> {
  const patience = startPatience(closingMs, foundation.logger);
  const { calls, receiving, media, events, tokens } = parts;
  media.cutOffScans();
  await Promise.all([
    receiving.close(patience),
    events.close(patience),
    calls.close(patience),
    patience.waitFor('the use of tokens', tokens.close()),
    foundation.close(patience),
  ]);
  media.close();
  foundation.blobs.close();
  await patience.waitFor('connections to the database', foundation.database.close());
}
