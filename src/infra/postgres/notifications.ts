/**
 * Hears what other processes have done (LISTEN), so that nobody need poll. A lost connection is made anew; what was said
 * meanwhile is missed, so each listener is told when hearing begins again, and looks for itself.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import type { Logger } from '../logging/logger.js';
import { newSession, type Database } from './database.js';

/** What is talked about, and what is said with it. */
export const topics = {
  /** A media has changed: its id. */
  media: 'inlet_media',
  /** There are events to publish: nothing. */
  outbox: 'inlet_outbox',
  /** Events have been published: nothing. */
  events: 'inlet_events',
  /** A channel was added, changed or removed: its id. */
  channels: 'inlet_channels',
  /** A token was revoked: its id. */
  tokens: 'inlet_tokens',
} as const;
export type Topic = keyof typeof topics;

/** Tells all processes when the transaction is committed. */
export async function tell(
  transaction: Pick<pg.ClientBase, 'query'>,
  topic: Topic,
  payload: string,
): Promise<void> {
  await transaction.query('select pg_notify($1, $2)', [topics[topic], payload]);
}

export interface Listener {
  readonly heard: (payload: string) => void;
  /** Hearing has begun, again or for the first time: what was said before was not heard. */
  readonly resumed?: () => void;
}

export interface Notifications {
  /** Listens until the returned function is called. */
  readonly on: (topic: Topic, listener: Listener) => () => void;
  /** Whether everything that is said now will be heard. */
  readonly isHearing: () => boolean;
  /** Resolves when the media has changed or may have changed without being heard, or when `signal` aborts. */
  readonly mediaChange: (id: string, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

const reconnectAfterMs = 500;
const listenToAll = Object.values(topics)
  .map((topic) => `listen ${topic}`)
  .join('; ');

export function listen(database: Pick<Database, 'connectionString'>, logger: Logger): Notifications {
  const listeners = new Map<string, Set<Listener>>();
  const closed = new AbortController();
  const isClosed = (): boolean => closed.signal.aborted;
  let session = newSession(database.connectionString);
  let hearing = false;

  const on = (topic: Topic, listener: Listener): (() => void) => {
    const group = listeners.get(topics[topic]) ?? new Set();
    listeners.set(topics[topic], group.add(listener));
    if (hearing) listener.resumed?.();
    return () => group.delete(listener);
  };

  const hearOnce = async (): Promise<void> => {
    session = newSession(database.connectionString);
    const ended = new Promise<void>((end) => {
      session.once('end', end);
      session.once('error', () => {
        end();
      });
    });
    session.on('notification', ({ channel, payload = '' }) => {
      for (const { heard } of listeners.get(channel) ?? []) heard(payload);
    });
    try {
      // A connection that is closed while it is being made never says so by its promise.
      await Promise.race([session.connect(), ended]);
      if (isClosed()) return;
      await session.query(listenToAll);
      hearing = true;
      for (const group of listeners.values()) for (const { resumed } of group) resumed?.();
      await ended;
    } catch (error) {
      logger.warn({ reason: error instanceof Error ? error.message : '' }, 'notifications are interrupted');
    } finally {
      hearing = false;
      await session.end().catch(() => undefined);
    }
  };

  const keepHearing = async (): Promise<void> => {
    while (!isClosed()) {
      await hearOnce();
      await delay(reconnectAfterMs, undefined, { signal: closed.signal }).catch(() => undefined);
    }
  };
  const finished = keepHearing();

  return {
    on,
    isHearing: () => hearing,
    mediaChange: createMediaWait(on),
    close: async () => {
      closed.abort();
      await session.end().catch(() => undefined);
      await finished;
    },
  };
}

/** Many may wait, each for one media: they are found by its id. */
function createMediaWait(on: Notifications['on']): Notifications['mediaChange'] {
  const waiters = new Map<string, Set<() => void>>();
  on('media', {
    heard: (id) => {
      waiters.get(id)?.forEach((wake) => {
        wake();
      });
    },
    resumed: () => {
      for (const group of [...waiters.values()]) for (const wake of [...group]) wake();
    },
  });
  return (id, signal) =>
    new Promise((done) => {
      const group = waiters.get(id) ?? new Set();
      waiters.set(id, group);
      signal.addEventListener('abort', wake, { once: true });
      group.add(wake);
      if (signal.aborted) wake();
      function wake(): void {
        signal.removeEventListener('abort', wake);
        group.delete(wake);
        if (group.size === 0 && waiters.get(id) === group) waiters.delete(id);
        done();
      }
    });
}
