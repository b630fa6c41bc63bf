/**
 * While the database is away, verified webhooks go to the spool; when it is back, they become rows by the same way, with the ids
 * and the time that they were given when they came. Rows are unique, so whatever is done twice is there once.
 *
 * The order is that of receipt: within a segment and from segment to segment. Webhooks that come once the database is back do
 * not wait for those of the spool; they are sorted by when they were received, like all others.
 */
import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { Channels } from '../domain/channel.js';
import { isDatabaseAway } from '../infra/database-away.js';
import type { Inbox, InboxEntry } from '../infra/inbox.js';
import type { Logger } from '../infra/logger.js';
import type { SpooledWebhook } from '../infra/spool-record.js';
import type { Spool } from '../infra/spool.js';
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
  readonly inbox: Pick<Inbox, 'commit'>;
  readonly channels: Pick<Channels, 'known'>;
  /** Does the work unless another process is at it; answers whether it was done. Rejects when the database is away. */
  readonly whileAlone: (work: () => Promise<void>) => Promise<boolean>;
  readonly logger: Logger;
}

const againAfterMs = 500;
const lookEveryMs = 10_000;
/** One statement's worth (see inbox.ts). */
const batchSize = 128;

export function createSpooling(surroundings: SpoolingSurroundings): Spooling {
  const { spool, whileAlone, logger } = surroundings;
  const closed = new AbortController();
  let isAway = false;
  let isRefusing = false;
  let wanted = false;
  let working: Promise<void> | undefined;

  const isBack = (): void => {
    if (isAway) logger.info('the database is back');
    isAway = false;
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
        if (closed.signal.aborted) return;
        const batch = segment.webhooks.slice(at, at + batchSize).map((one) => entryOf(one, surroundings));
        await Promise.all(batch.map((entry) => commit(surroundings.inbox, entry)));
        webhooks += batch.length;
        isBack();
      }
      await segment.done();
    }
    isBack();
    if (webhooks > 0) logger.info({ webhooks }, 'the spool was replayed');
  };

  const work = async (): Promise<void> => {
    while (wanted && !closed.signal.aborted) {
      wanted = false;
      try {
        // Whoever is at it, has found the database there.
        if (!(await whileAlone(replay))) isBack();
        if (await spool.isEmpty()) continue;
      } catch (error) {
        isAway ||= isDatabaseAway(error);
        if (!isAway) logger.error({ err: error }, 'the spool could not be replayed');
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
  let timer: NodeJS.Timeout | undefined;

  return {
    start: () => {
      lookAround();
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
