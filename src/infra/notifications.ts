/** Hears of changed media from all processes (LISTEN), so that whoever waits need not poll. */
import { setTimeout as delay } from 'node:timers/promises';

import { newSession, type Database } from './database.js';
import type { Logger } from './logger.js';
import { mediaChanged } from './media-table.js';

export interface Notifications {
  /** Resolves when the media has changed, at the latest after `timeoutMs`, or when `signal` aborts. */
  readonly mediaChange: (
    id: string,
    wait: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<void>;
  readonly close: () => Promise<void>;
}

const reconnectAfterMs = 1_000;

/** A lost connection is made anew; changes during the gap are missed, so waiters must look again at their end. */
export function listen(database: Database, logger: Logger): Notifications {
  const waiters = new Map<string, Set<() => void>>();
  const closed = new AbortController();
  const isClosed = (): boolean => closed.signal.aborted;
  let session = newSession(database.connectionString);

  const hear = async (): Promise<void> => {
    while (!isClosed()) {
      session = newSession(database.connectionString);
      const ended = new Promise<void>((end) => {
        session.once('end', end);
        session.once('error', () => {
          end();
        });
      });
      session.on('notification', ({ payload = '' }) =>
        waiters.get(payload)?.forEach((wake) => {
          wake();
        }),
      );
      try {
        // A connection that is closed while it is being made never says so by its promise.
        await Promise.race([session.connect(), ended]);
        if (isClosed()) break;
        await session.query(`listen ${mediaChanged}`);
        await ended;
      } catch (error) {
        logger.warn({ reason: error instanceof Error ? error.message : '' }, 'notifications are interrupted');
      }
      await session.end().catch(() => undefined);
      await delay(reconnectAfterMs, undefined, { signal: closed.signal }).catch(() => undefined);
    }
  };
  const hearing = hear();

  return {
    mediaChange: (id, { timeoutMs, signal }) =>
      new Promise((done) => {
        const group = waiters.get(id) ?? new Set();
        waiters.set(id, group);
        const timer = setTimeout(wake, timeoutMs);
        signal.addEventListener('abort', wake, { once: true });
        group.add(wake);
        if (signal.aborted) wake();
        function wake(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          group.delete(wake);
          if (group.size === 0 && waiters.get(id) === group) waiters.delete(id);
          done();
        }
      }),
    close: async () => {
      closed.abort();
      await session.end().catch(() => undefined);
      await hearing;
    },
  };
}
