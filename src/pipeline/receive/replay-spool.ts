/** Replays the webhooks of the spool into the database, in the order of receipt. */
import { hash } from 'node:crypto';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';

import type { Channels } from '../../domain/channel.js';
import type { Logger } from '../../infra/logging/logger.js';
import type { SpooledWebhook } from '../../infra/spool/record.js';
import type { Segment, Spool } from '../../infra/spool/spool.js';
import type { InboxEntry } from '../../infra/tables/inbox/entry.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';
import { commit, malformedEntry, payloadOf, toEntry, translated, type EvaluateFor } from './receive.js';

export interface ReplayDependencies {
  readonly spool: Spool;
  readonly inbox: Inbox;
  readonly channels: Pick<Channels, 'any'>;
  readonly evaluate: EvaluateFor;
  /** Called when the database turned out to be available. */
  readonly noteDatabaseUp: () => void;
  readonly logger: Logger;
  /** Once aborted, the replay ends after the current batch. */
  readonly stopSignal: AbortSignal;
}

/** The size of one statement (see inbox.ts). */
const batchSize = 128;
/** The pauses between further attempts at a webhook that the database refuses although it stores others. */
const retryPausesMs = [100, 500, 2_000];
/**
 * Parsing a larger body takes so long that the event loop should serve other requests before the next one.
 */
const largeBodyBytes = 65_536;

/**
 * Replays everything that is in the spool. Rejects if the database becomes unavailable; the rest stays in the
 * spool.
 */
export function createReplay(dependencies: ReplayDependencies): () => Promise<void> {
  const { spool, noteDatabaseUp, logger, stopSignal } = dependencies;

  const nextSegment = async (): Promise<Segment | undefined> => {
    try {
      return await spool.oldest();
    } catch (error) {
      noteDatabaseUp(); // The disk failed, not the database.
      throw error;
    }
  };

  return async () => {
    let webhooks = 0;
    for (let segment = await nextSegment(); segment; segment = await nextSegment()) {
      for (let at = 0; at < segment.webhooks.length; at += batchSize) {
        if (stopSignal.aborted) return;
        const batch = await readAll(segment.webhooks.slice(at, at + batchSize), dependencies);
        await commitBatch(dependencies, batch);
        webhooks += batch.length;
      }
      await segment.markDone();
    }
    noteDatabaseUp();
    if (webhooks > 0) logger.info({ webhooks }, 'replayed the spool');
  };
}

async function commitBatch(
  dependencies: ReplayDependencies,
  webhooks: readonly SpooledEntry[],
): Promise<void> {
  let failed = await commitAll(dependencies, webhooks);
  for (const pause of retryPausesMs) {
    if (failed.length === 0) return;
    await delay(pause, undefined, { signal: dependencies.stopSignal });
    const stillFailed: SpooledEntry[] = [];
    for (const one of failed) stillFailed.push(...(await commitAll(dependencies, [one])));
    failed = stillFailed;
  }
  for (const one of failed) await keepRawBytes(dependencies, one);
}

/**
 * Commits the webhooks and returns those that the database refused. Rejects if the database is unavailable.
 */
async function commitAll(
  { inbox, noteDatabaseUp }: ReplayDependencies,
  webhooks: readonly SpooledEntry[],
): Promise<SpooledEntry[]> {
  const results = await Promise.allSettled(webhooks.map(({ entry }) => commit(inbox, entry)));
  const failed = webhooks.filter((_, place) => results[place]?.status === 'rejected');
  if (failed.length > 0) await inbox.tryOut();
  noteDatabaseUp();
  return failed;
}

/**
 * Stores only the raw bytes, so that the webhook does not block the replay: in the database, or in a separate
 * file if the database refuses those too.
 */
async function keepRawBytes(
  { spool, inbox, logger }: ReplayDependencies,
  { webhook, entry }: SpooledEntry,
): Promise<void> {
  const context = { delivery: entry.id, channel: entry.channel };
  try {
    const { delivery } = await inbox.commit(malformedEntry(entry, 'cannot be stored'));
    // The cause may have disappeared in the meantime, so the full entry is tried again.
    const isWhole = await inbox.recommit({ ...entry, id: delivery }).then(
      () => true,
      () => false,
    );
    if (!isWhole)
      logger.error(context, 'a spooled webhook was stored as raw bytes only: its rows were refused');
  } catch (error) {
    await inbox.tryOut();
    await spool.setAside(webhook);
    logger.error({ ...context, err: error }, 'a spooled webhook was set aside: the database refuses it');
  }
}

interface SpooledEntry {
  readonly webhook: SpooledWebhook;
  readonly entry: InboxEntry;
}

async function readAll(
  webhooks: readonly SpooledWebhook[],
  dependencies: Pick<ReplayDependencies, 'channels' | 'evaluate'>,
): Promise<SpooledEntry[]> {
  const read: SpooledEntry[] = [];
  for (const webhook of webhooks) {
    read.push({ webhook, entry: await entryOf(webhook, dependencies) });
    if (webhook.body.length > largeBodyBytes) await setImmediate();
  }
  return read;
}

/** Parses the webhook as of now, with the ids that the sender received. */
async function entryOf(
  webhook: SpooledWebhook,
  { channels, evaluate }: Pick<ReplayDependencies, 'channels' | 'evaluate'>,
): Promise<InboxEntry> {
  const { id, provider, body, headers } = webhook;
  const channel = channels.any(webhook.channel);
  if (channel?.provider !== provider) return malformedFrom(webhook, 'its channel no longer exists');
  const receivedAt = new Date(webhook.receivedAt);
  try {
    const payload = payloadOf(channel, body, headers);
    const received = { channel, rawBody: body, payload, headers, receivedAt };
    const entry = toEntry(id, await translated(received, evaluate));
    const media = entry.media.map((row, place) => ({ ...row, id: webhook.media[place] ?? row.id }));
    return { ...entry, media };
  } catch {
    return malformedFrom(webhook, 'cannot be read');
  }
}

function malformedFrom(webhook: SpooledWebhook, reason: string): InboxEntry {
  const { id, channel, provider, headers, receivedAt, body } = webhook;
  const contentHash = hash('sha256', body, 'hex');
  return malformedEntry({ id, channel, provider, headers, receivedAt, body, contentHash }, reason);
}
