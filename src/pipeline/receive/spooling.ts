/**
 * While the database is away, verified webhooks go to the spool; when it is back, they become rows by the same way, with the ids
 * and the time that they were given when they came. Rows are unique, so whatever is done twice is there once.
 *
 * The order is that of receipt: within a segment and from segment to segment. Webhooks that come once the database is back do
 * not wait for those of the spool; they are sorted by when they were received, like all others.
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
import { bareEntry, commit, parsePayload, toEntry, type Shelter } from './receive.js';

export interface Spooling extends Shelter {
  /** Looks whether something is in the spool, and goes on looking now and then: other processes may have left it there. */
  readonly start: () => void;
  /** `here`: the database takes webhooks. `spooling`: the spool does. `refusing`: neither. As of the last webhook. */
  readonly state: () => 'here' | 'spooling' | 'refusing';
  readonly close: () => Promise<void>;
}

interface SpoolingSurroundings {
  readonly spool: Spool;
  readonly inbox: Inbox;
  readonly channels: Pick<Channels, 'known'>;
  /** Does the work unless another process is at it; answers whether it was done. Rejects when the database is away. */
  readonly whileAlone: (work: () => Promise<void>) => Promise<boolean>;
  readonly logger: Logger;
}

const againAfterMs = 500;
const lookEveryMs = 10_000;
/** One statement's worth (see inbox.ts). */
const batchSize = 128;
/** A webhook that the database does not take although it takes others is tried so often by itself, after these pauses. */
const pausesMs = [100, 500, 2_000];
/** Reading a larger body takes so long that somebody else should have a turn before the next one. */
const largeBodyBytes = 65_536;

export function createSpooling(surroundings: SpoolingSurroundings): Spooling {
  const { spool, inbox, whileAlone, logger } = surroundings;
  const closed = new AbortController();
  let isAway = false;
  let isRefusing = false;
  let wanted = false;
  let working: Promise<void> | undefined;

  const isClosed = (): boolean => closed.signal.aborted;

  const isBack = (): void => {
    if (isAway) logger.info('the database is back');
    isAway = false;
  };

  /** Those that the database did not take although it is there. Rejects when it is not. */
  const tryAll = async (webhooks: readonly SpooledEntry[]): Promise<SpooledEntry[]> => {
    const results = await Promise.allSettled(webhooks.map(({ entry }) => commit(inbox, entry)));
    const failed = webhooks.filter((_, place) => results[place]?.status === 'rejected');
    if (failed.length > 0) await inbox.tryOut();
    isBack();
    return failed;
  };

  const commitSome = async (webhooks: readonly SpooledEntry[]): Promise<void> => {
    let failed = await tryAll(webhooks);
    for (const pause of pausesMs) {
      if (failed.length === 0) return;
      await delay(pause, undefined, { signal: closed.signal });
      const again: SpooledEntry[] = [];
      for (const one of failed) again.push(...(await tryAll([one])));
      failed = again;
    }
    for (const one of failed) await giveUp(one);
  };

  /** Keeps the raw bytes, so that it is in nobody's way: in the database, or where that does not take them either, aside. */
  const giveUp = async ({ webhook, entry }: SpooledEntry): Promise<void> => {
    const facts = { delivery: entry.id, channel: entry.channel };
    try {
      const { delivery } = await inbox.commit(bareEntry(entry, 'cannot be stored'));
      // What was the matter may be over just now.
      const isWhole = await inbox.recommit({ ...entry, id: delivery }).then(
        () => true,
        () => false,
      );
      if (!isWhole) logger.error(facts, 'a webhook of the spool was kept raw: its rows cannot be stored');
    } catch (error) {
      await inbox.tryOut();
      await spool.putAside(webhook);
      logger.error({ ...facts, err: error }, 'a webhook of the spool was put aside: it cannot be stored');
    }
  };

  const replay = async (): Promise<void> => {
    let webhooks = 0;
    for (;;) {
      const segment = await spool.oldest().catch((error: unknown) => {
        isBack(); // It is the disk that is not.
        throw error;
      });
      if (!segment) break;
      for (let at = 0; at < segment.webhooks.length; at += batchSize) {
        if (isClosed()) return;
        const batch = await readAll(segment.webhooks.slice(at, at + batchSize), surroundings);
        await commitSome(batch);
        webhooks += batch.length;
      }
      await segment.done();
    }
    isBack();
    if (webhooks > 0) logger.info({ webhooks }, 'the spool was replayed');
  };

  const work = async (): Promise<void> => {
    while (wanted && !isClosed()) {
      wanted = false;
      try {
        // Whoever is at it, has found the database there.
        if (!(await whileAlone(replay))) isBack();
        if (await spool.isEmpty()) continue;
      } catch (error) {
        isAway ||= isDatabaseFailure(error);
        if (!isAway && !isClosed()) logger.error({ err: error }, 'the spool could not be replayed');
      }
      wanted = true;
      await delay(againAfterMs, undefined, { signal: closed.signal }).catch(() => undefined);
    }
  };
  const wake = (): void => {
    wanted = true;
    working ??= work().finally(() => {
      working = undefined;
    });
  };
  const lookAround = (): void => {
    void spool.isEmpty().then(
      (isEmpty) => {
        if (!isEmpty) wake();
      },
      (error: unknown) => {
        logger.warn({ err: error }, 'the spool cannot be looked at');
      },
    );
  };
  const tryOut = async (): Promise<void> => {
    try {
      await spool.tryOut();
    } catch (error) {
      const { code: reason } = error as NodeJS.ErrnoException;
      logger.warn(
        { reason },
        'INLET_DIR: nothing can be written to its folder spool: webhooks are refused while the database is away',
      );
    }
  };
  const mindAside = async (): Promise<void> => {
    const { aside } = await spool.count().catch(() => ({ aside: 0 }));
    if (aside > 0) logger.error({ webhooks: aside }, 'webhooks were put aside in the spool');
  };
  let timer: NodeJS.Timeout | undefined;

  return {
    start: () => {
      lookAround();
      void tryOut();
      void mindAside();
      timer = setInterval(lookAround, lookEveryMs).unref();
    },
    isNeeded: () => isAway,
    open: (reason) => {
      if (!isAway) logger.warn({ err: reason }, 'the database is away: webhooks go to the spool');
      isAway = true;
      wake();
    },
    take: async (entry) => {
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
      if (!isAway) return 'here';
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
  surroundings: Pick<SpoolingSurroundings, 'channels'>,
): Promise<SpooledEntry[]> {
  const read: SpooledEntry[] = [];
  for (const webhook of webhooks) {
    read.push({ webhook, entry: entryOf(webhook, surroundings) });
    if (webhook.body.length > largeBodyBytes) await setImmediate();
  }
  return read;
}

/** What the webhook means now, with the ids that its sender was told. */
function entryOf(webhook: SpooledWebhook, { channels }: Pick<SpoolingSurroundings, 'channels'>): InboxEntry {
  const { id, provider, body, headers } = webhook;
  const channel = channels.known(webhook.channel);
  if (channel?.provider !== provider) return bareOf(webhook, 'its channel does not exist any more');
  const receivedAt = new Date(webhook.receivedAt);
  try {
    const entry = toEntry(id, { channel, rawBody: body, payload: parsePayload(body), headers, receivedAt });
    const media = entry.media.map((row, place) => ({ ...row, id: webhook.media[place] ?? row.id }));
    return { ...entry, media };
  } catch {
    return bareOf(webhook, 'cannot be read');
  }
}

function bareOf(webhook: SpooledWebhook, reason: string): InboxEntry {
  const { id, channel, provider, headers, receivedAt, body } = webhook;
  const contentHash = hash('sha256', body, 'hex');
  return bareEntry({ id, channel, provider, headers, receivedAt, body, contentHash }, reason);
}
