/**
 * Stores verified webhooks in the spool while the database is unavailable, and replays them afterwards, with
 * the ids and the time of their arrival. Rows are unique, so repeating a replay changes nothing.
 *
 * Webhooks are replayed in the order of receipt, within a segment and from segment to segment. New webhooks
 * that arrive after the database is available again do not wait for the spool; all webhooks are sorted by
 * their time of receipt.
 */
import { hash } from 'node:crypto';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';

import type { Channels } from '../../domain/channel.js';
import type { Logger } from '../../infra/logging/logger.js';
import { isDatabaseFailure } from '../../infra/postgres/errors.js';
import type { SpooledWebhook } from '../../infra/spool/record.js';
import type { Spool } from '../../infra/spool/spool.js';
import type { InboxEntry } from '../../infra/tables/inbox/entry.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';
import { malformedEntry, commit, parsePayload, toEntry, type WebhookFallback } from './receive.js';

export interface Spooling extends WebhookFallback {
  /**
   * Replays what is in the spool, and checks it regularly, because other processes may have left webhooks
   * there.
   */
  readonly start: () => void;
  /**
   * The state at the last webhook. `here`: the database stores webhooks. `spooling`: the spool does.
   * `refusing`: neither does.
   */
  readonly state: () => 'here' | 'spooling' | 'refusing';
  readonly close: () => Promise<void>;
}

interface SpoolingDependencies {
  readonly spool: Spool;
  readonly inbox: Inbox;
  readonly channels: Pick<Channels, 'any'>;
  /**
   * Runs the work unless another process is running it, and returns whether it ran. Rejects if the database
   * is unavailable.
   */
  readonly runExclusively: (work: () => Promise<void>) => Promise<boolean>;
  readonly logger: Logger;
}

const retryMs = 500;
const checkIntervalMs = 10_000;
/** The size of one statement (see inbox.ts). */
const batchSize = 128;
/** The pauses between further attempts at a webhook that the database refuses although it stores others. */
const retryPausesMs = [100, 500, 2_000];
/**
 * Parsing a larger body takes so long that the event loop should serve other requests before the next one.
 */
const largeBodyBytes = 65_536;

export function createSpooling(dependencies: SpoolingDependencies): Spooling {
  const { spool, inbox, runExclusively, logger } = dependencies;
  const closed = new AbortController();
  let isDatabaseDown = false;
  let isRefusing = false;
  let isRunRequested = false;
  let working: Promise<void> | undefined;

  const isClosed = (): boolean => closed.signal.aborted;

  const noteDatabaseUp = (): void => {
    if (isDatabaseDown) logger.info('the database is available again');
    isDatabaseDown = false;
  };

  /**
   * Commits the webhooks and returns those that the database refused. Rejects if the database is unavailable.
   */
  const commitAll = async (webhooks: readonly SpooledEntry[]): Promise<SpooledEntry[]> => {
    const results = await Promise.allSettled(webhooks.map(({ entry }) => commit(inbox, entry)));
    const failed = webhooks.filter((_, place) => results[place]?.status === 'rejected');
    if (failed.length > 0) await inbox.tryOut();
    noteDatabaseUp();
    return failed;
  };

  const commitBatch = async (webhooks: readonly SpooledEntry[]): Promise<void> => {
    let failed = await commitAll(webhooks);
    for (const pause of retryPausesMs) {
      if (failed.length === 0) return;
      await delay(pause, undefined, { signal: closed.signal });
      const stillFailed: SpooledEntry[] = [];
      for (const one of failed) stillFailed.push(...(await commitAll([one])));
      failed = stillFailed;
    }
    for (const one of failed) await keepRawBytes(one);
  };

  /**
   * Stores only the raw bytes, so that the webhook does not block the replay: in the database, or in a
   * separate file if the database refuses those too.
   */
  const keepRawBytes = async ({ webhook, entry }: SpooledEntry): Promise<void> => {
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
  };

  const replay = async (): Promise<void> => {
    let webhooks = 0;
    for (;;) {
      const segment = await spool.oldest().catch((error: unknown) => {
        noteDatabaseUp(); // The disk failed, not the database.
        throw error;
      });
      if (!segment) break;
      for (let at = 0; at < segment.webhooks.length; at += batchSize) {
        if (isClosed()) return;
        const batch = await readAll(segment.webhooks.slice(at, at + batchSize), dependencies);
        await commitBatch(batch);
        webhooks += batch.length;
      }
      await segment.markDone();
    }
    noteDatabaseUp();
    if (webhooks > 0) logger.info({ webhooks }, 'replayed the spool');
  };

  const work = async (): Promise<void> => {
    while (isRunRequested && !isClosed()) {
      isRunRequested = false;
      try {
        // The process that runs the replay has found the database available.
        if (!(await runExclusively(replay))) noteDatabaseUp();
        if (await spool.isEmpty()) continue;
      } catch (error) {
        isDatabaseDown ||= isDatabaseFailure(error);
        if (!isDatabaseDown && !isClosed()) logger.error({ err: error }, 'the spool could not be replayed');
      }
      isRunRequested = true;
      await delay(retryMs, undefined, { signal: closed.signal }).catch(() => undefined);
    }
  };
  const wake = (): void => {
    isRunRequested = true;
    working ??= work().finally(() => {
      working = undefined;
    });
  };
  const checkSpool = (): void => {
    void spool.isEmpty().then(
      (isEmpty) => {
        if (!isEmpty) wake();
      },
      (error: unknown) => {
        logger.warn({ err: error }, 'the spool cannot be read');
      },
    );
  };
  const probeFolder = async (): Promise<void> => {
    try {
      await spool.probe();
    } catch (error) {
      const { code: reason } = error as NodeJS.ErrnoException;
      logger.warn(
        { reason },
        'INLET_DIR: the folder spool is not writable, so webhooks are refused while the database is unavailable',
      );
    }
  };
  const reportSetAside = async (): Promise<void> => {
    const { aside } = await spool.count().catch(() => ({ aside: 0 }));
    if (aside > 0) logger.error({ webhooks: aside }, 'the spool contains webhooks that were set aside');
  };
  let timer: NodeJS.Timeout | undefined;

  return {
    start: () => {
      checkSpool();
      void probeFolder();
      void reportSetAside();
      timer = setInterval(checkSpool, checkIntervalMs).unref();
    },
    isActive: () => isDatabaseDown,
    activate: (reason) => {
      if (!isDatabaseDown)
        logger.warn({ err: reason }, 'the database is unavailable: webhooks go to the spool');
      isDatabaseDown = true;
      wake();
    },
    store: async (entry) => {
      const { id, channel, provider, headers, receivedAt, body, outcome } = entry;
      const media = entry.media.map((one) => one.id);
      try {
        await spool.append({ id, channel, provider, media, headers, receivedAt, body });
        isRefusing = false;
      } catch (error) {
        isRefusing = true;
        throw error;
      }
      wake();
      return { delivery: id, outcome, duplicate: false, media };
    },
    state: () => {
      if (!isDatabaseDown) return 'here';
      return isRefusing ? 'refusing' : 'spooling';
    },
    close: async () => {
      clearInterval(timer);
      closed.abort();
      await working;
      await spool.close();
    },
  };
}

interface SpooledEntry {
  readonly webhook: SpooledWebhook;
  readonly entry: InboxEntry;
}

async function readAll(
  webhooks: readonly SpooledWebhook[],
  dependencies: Pick<SpoolingDependencies, 'channels'>,
): Promise<SpooledEntry[]> {
  const read: SpooledEntry[] = [];
  for (const webhook of webhooks) {
    read.push({ webhook, entry: entryOf(webhook, dependencies) });
    if (webhook.body.length > largeBodyBytes) await setImmediate();
  }
  return read;
}

/** Parses the webhook as of now, with the ids that the sender received. */
function entryOf(webhook: SpooledWebhook, { channels }: Pick<SpoolingDependencies, 'channels'>): InboxEntry {
  const { id, provider, body, headers } = webhook;
  const channel = channels.any(webhook.channel);
  if (channel?.provider !== provider) return malformedFrom(webhook, 'its channel no longer exists');
  const receivedAt = new Date(webhook.receivedAt);
  try {
    const entry = toEntry(id, { channel, rawBody: body, payload: parsePayload(body), headers, receivedAt });
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
