/**
 * Receives notifications of other processes (LISTEN), so that nothing has to be polled. A lost connection is
 * replaced. Notifications are missed meanwhile, so each listener is called when listening resumes, and then
 * reads the current state.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import type { Logger } from '../logging/logger.js';
import { newSession, type Database } from './database.js';

/** The notification channels and their payloads. */
export const topics = {
  /** A media item has changed; its id. */
  media: 'inlet_media',
  /** There are events to publish; empty. */
  outbox: 'inlet_outbox',
  /** Events were published; empty. */
  events: 'inlet_events',
  /** A channel was added, changed or removed; its id. */
  channels: 'inlet_channels',
} as const;
export type Topic = keyof typeof topics;

/** Notifies all processes when the transaction is committed. */
export async function notify(
  transaction: Pick<pg.ClientBase, 'query'>,
  topic: Topic,
  payload: string,
): Promise<void> {
  await transaction.query('select pg_notify($1, $2)', [topics[topic], payload]);
}

export interface Listener {
  readonly received: (payload: string) => void;
  /** Listening has begun or resumed: earlier notifications were missed. */
  readonly resumed?: () => void;
}

export interface Notifications {
  /** Listens until the returned function is called. */
  readonly on: (topic: Topic, listener: Listener) => () => void;
  /** Whether all notifications are received now. */
  readonly isListening: () => boolean;
  /**
   * Resolves when the media item has changed, when a change may have been missed, or when `signal` aborts.
   */
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
  let listening = false;

  const on = (topic: Topic, listener: Listener): (() => void) => {
    const group = listeners.get(topics[topic]) ?? new Set();
    listeners.set(topics[topic], group.add(listener));
    if (listening) listener.resumed?.();
    return () => group.delete(listener);
  };

  const listenOnce = async (): Promise<void> => {
    session = newSession(database.connectionString);
    const ended = new Promise<void>((end) => {
      session.once('end', end);
      session.once('error', () => {
        end();
      });
    });
    session.on('notification', ({ channel, payload = '' }) => {
      for (const { received } of listeners.get(channel) ?? []) received(payload);
    });
    try {
      // The promise of a connection that is closed while it is being established never settles.
      await Promise.race([session.connect(), ended]);
      if (isClosed()) return;
      await session.query(listenToAll);
      listening = true;
      for (const group of listeners.values()) for (const { resumed } of group) resumed?.();
      await ended;
    } catch (error) {
      logger.warn({ reason: error instanceof Error ? error.message : '' }, 'notifications are interrupted');
    } finally {
      listening = false;
      await session.end().catch(() => undefined);
    }
  };

  const keepListening = async (): Promise<void> => {
    while (!isClosed()) {
      await listenOnce();
      await delay(reconnectAfterMs, undefined, { signal: closed.signal }).catch(() => undefined);
    }
  };
  const finished = keepListening();

  return {
    on,
    isListening: () => listening,
    mediaChange: createMediaWait(on),
    close: async () => {
      closed.abort();
      await session.end().catch(() => undefined);
      await finished;
    },
  };
}

/** Many callers may wait, each for one media item, so they are found by its id. */
function createMediaWait(on: Notifications['on']): Notifications['mediaChange'] {
  const waiters = new Map<string, Set<() => void>>();
  on('media', {
    received: (id) => {
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
