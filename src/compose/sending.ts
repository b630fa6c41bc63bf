/** Messages that clients send: validated, queued, and passed to the provider. */
import type { Config } from '../config.js';
import { webhookUrlOf } from '../domain/channel.js';
import type { Sending as SendingHalf } from '../domain/sending.js';
import { createLinkSigner } from '../domain/signed-link.js';
import { looksPublic } from '../infra/net/public-address.js';
import { createOutboundTable } from '../infra/tables/sending/outbound.js';
import { createSendQueue } from '../infra/tables/sending/send-queue.js';
import { createCheckMedia } from '../pipeline/send/check-media.js';
import { createContentOf } from '../pipeline/send/hand-over.js';
import { createQueueMessage, type QueueMessage } from '../pipeline/send/queue-message.js';
import { createSend } from '../pipeline/send/send.js';
import { providers } from '../providers/index.js';
import type { Calls } from './calls.js';
import type { Foundation } from './foundation.js';
import type { MediaPart } from './media.js';
import type { Receiving } from './receiving.js';

export interface SendingDependencies {
  readonly foundation: Foundation;
  readonly calls: Calls;
  readonly media: MediaPart;
  readonly receiving: Pick<Receiving, 'channels' | 'evaluate'>;
}

export type Sending = ReturnType<typeof createSending>;

export function createSending(config: Config, { foundation, calls, media, receiving }: SendingDependencies) {
  const { channels, evaluate } = receiving;
  const { blobs, database, logger, lookup, now, observers, publicUrl, staging, stopping, tracing } =
    foundation;
  const links = createLinkSigner(config.authSecret);
  const linksReach = reachOfLinks(config, publicUrl);
  const outbound = createOutboundTable(database.api);
  const sendQueue = createSendQueue(database.work, now);
  const queueUntraced = createQueueMessage({
    channels,
    providers,
    lookup,
    table: outbound,
    now,
    linksReach,
    checkMedia: createCheckMedia({
      download: calls.download,
      staging,
      blobs,
      images: media.images,
      decodeHeic: media.decodeHeic,
      makePreviews: media.makePreviews,
      store: media.store,
      maxBytes: config.maxMediaBytes,
      decoders: media.cores,
    }),
  });
  const queueMessage: QueueMessage = async (request, asker) => {
    const id = await queueUntraced(request, asker);
    tracing.queued(id);
    return id;
  };
  const send = createSend({
    queue: sendQueue,
    observe: observers.sent,
    channels,
    http: calls.httpOf,
    evaluate,
    webhookUrlOf: (channel) => webhookUrlOf(publicUrl, channel),
    logger,
    now,
    chance: Math.random,
    stopping: stopping.signal,
    contentOf: createContentOf({ blobs, links, linksReach, publicUrl, now }),
  });
  return { links, outbound, sendQueue, queueMessage, send };
}

/**
 * Whether a provider can get files from links to this service. One whose own address is not public is in the
 * same network.
 */
function reachOfLinks(
  { publicMediaLinks }: Pick<Config, 'publicMediaLinks'>,
  publicUrl: string,
): (sending: SendingHalf) => boolean {
  if (publicMediaLinks !== 'auto') return () => publicMediaLinks === 'always';
  const isPublic = looksPublic(new URL(publicUrl));
  return ({ apiUrl }) =>
    isPublic || (apiUrl !== undefined && URL.canParse(apiUrl) && !looksPublic(new URL(apiUrl)));
}
