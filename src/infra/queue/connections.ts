/** The pool of connections as the queue's library sees it. */
import type { EventEmitter } from 'node:events';

import type pg from 'pg';

export interface QueueConnectionsOptions {
  readonly pool: pg.Pool;
  /** On which the library listens: all lanes use the session that holds their locks, instead of taking a connection each. */
  readonly listener: EventEmitter;
  /** Whether the library has been told to end, or ends by itself. */
  readonly isEnding: () => boolean;
}

/**
 * While the library ends, a statement that fails is answered as if it had found nothing. Version 0.17 gives back the jobs that it has not
 * begun and handles no failure of that, so the process would end when the database goes away. Nothing is lost: the process that looks for
 * dead pools gives back every job that this one still holds.
 */
export function queueConnections({ pool, listener, isEnding }: QueueConnectionsOptions): pg.Pool {
  const orNothing = async (result: Promise<unknown>): Promise<unknown> => {
    try {
      return await result;
    } catch (error) {
      if (!isEnding()) throw error;
      return nothingFound;
    }
  };
  const query = (...statement: unknown[]): Promise<unknown> => orNothing(run(pool, statement));
  const take = async (): Promise<unknown> => {
    try {
      const client = await pool.connect();
      return Object.assign(Object.create(client) as pg.PoolClient, {
        query: (...statement: unknown[]) => orNothing(run(client, statement)),
      });
    } catch (error) {
      if (!isEnding()) throw error;
      return noConnection;
    }
  };
  // The library asks with a callback for the one connection on which it listens.
  const connect = (callback?: (...answer: unknown[]) => void): unknown => {
    if (!callback) return take();
    callback(undefined, listener, () => undefined);
    return undefined;
  };
  return Object.assign(Object.create(pool) as pg.Pool, { connect, query });
}

const nothingFound = { rows: [], rowCount: 0 } as const;
const noConnection = {
  query: () => Promise.resolve(nothingFound),
  release: () => undefined,
} as const;

/** The library gives no callback with a statement. */
function run(target: Pick<pg.Pool, 'query'>, statement: readonly unknown[]): Promise<unknown> {
  return (target.query as (...statement: readonly unknown[]) => Promise<unknown>).apply(target, [
    ...statement,
  ]);
}
