/** Adapts the pool of connections for the queue library. */
import type { EventEmitter } from 'node:events';

import type pg from 'pg';

export interface QueueConnectionsOptions {
  readonly pool: pg.Pool;
  /**
   * The emitter on which the library listens: all lanes share the session that holds their locks, instead of
   * using one connection each.
   */
  readonly listener: EventEmitter;
  /** Whether the library is shutting down, for whatever reason. */
  readonly isEnding: () => boolean;
}

/**
 * While the library shuts down, a failed statement returns an empty result. Version 0.17 releases the jobs
 * that it has not started and does not handle an error of that statement, so the process would end when the
 * database becomes unavailable. Nothing is lost: the process that looks for dead pools releases every job
 * that this one still holds.
 */
export function queueConnections({ pool, listener, isEnding }: QueueConnectionsOptions): pg.Pool {
  const emptyIfEnding = async (result: Promise<unknown>): Promise<unknown> => {
    try {
      return await result;
    } catch (error) {
      if (!isEnding()) throw error;
      return emptyResult;
    }
  };
  const query = (...statement: unknown[]): Promise<unknown> => emptyIfEnding(run(pool, statement));
  const acquire = async (): Promise<unknown> => {
    try {
      const client = await pool.connect();
      return Object.assign(Object.create(client) as pg.PoolClient, {
        query: (...statement: unknown[]) => emptyIfEnding(run(client, statement)),
      });
    } catch (error) {
      if (!isEnding()) throw error;
      return noConnection;
    }
  };
  // With a callback, the library requests the one connection on which it listens.
  const connect = (callback?: (...answer: unknown[]) => void): unknown => {
    if (!callback) return acquire();
    callback(undefined, listener, () => undefined);
    return undefined;
  };
  return Object.assign(Object.create(pool) as pg.Pool, { connect, query });
}

const emptyResult = { rows: [], rowCount: 0 } as const;
const noConnection = {
  query: () => Promise.resolve(emptyResult),
  release: () => undefined,
} as const;

/** The library never passes a callback with a statement. */
function run(target: Pick<pg.Pool, 'query'>, statement: readonly unknown[]): Promise<unknown> {
  return (target.query as (...statement: readonly unknown[]) => Promise<unknown>).apply(target, [
    ...statement,
  ]);
}
