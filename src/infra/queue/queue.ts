/**
 * Runs the queue in PostgreSQL (graphile-worker). The library releases the jobs of a dead process only after
 * four hours. Each of its pools therefore has an advisory lock named after it, on a connection of this
 * process: the lock disappears with the process, and another process that finds jobs of a pool without its
 * lock releases them. No heartbeat is needed.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import { newSession, type Database } from '../postgres/database.js';
import { startShutdownBudget } from '../process/shutdown-budget.js';
import {
  gracefulShutdownMs,
  lanesOf,
  libraryChannel,
  reasonOf,
  startLane,
  type LaneOptions,
  type RunningLane,
} from './lane.js';
import { jobsChannel } from './tasks.js';

export interface Queue {
  /** Resolves when the first pool accepts jobs. */
  readonly start: () => Promise<void>;
  /** Waits a few seconds for running jobs; the others are released. */
  readonly stop: () => Promise<void>;
  /** Whether jobs are being accepted now. */
  readonly isRunning: () => boolean;
}

export interface QueueOptions extends LaneOptions {
  readonly database: Database;
}

/** The interval for releasing the jobs of dead pools. */
const releaseIntervalMs = 2_000;
const restartDelayMs = 1_000;
/** The timeout of the whole shutdown, including the connections to a lost database. */
const stopTimeoutMs = gracefulShutdownMs + 1_000;
const sessionEndTimeoutMs = 500;

interface Pool {
  /** Settles when the pool no longer accepts jobs or has lost the connection with its lock. */
  readonly ended: Promise<unknown>;
  readonly close: () => Promise<void>;
}

export function createQueue(options: QueueOptions): Queue {
  const { database, logger } = options;
  const stopped = new AbortController();
  let pool: Pool | undefined;
  let supervising: Promise<void> | undefined;
  const isStopping = (): boolean => stopped.signal.aborted;

  const supervise = async (): Promise<void> => {
    while (!isStopping()) {
      try {
        pool ??= await startPool(options);
        if (!isStopping()) await releaseUntilEnded(database.work, pool.ended);
      } catch (error) {
        if (!isStopping()) logger.warn({ reason: reasonOf(error) }, 'the queue was interrupted and restarts');
      }
      const ending = pool;
      pool = undefined;
      await ending?.close();
      if (isStopping()) return;
      await delay(restartDelayMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };

  return {
    start: async () => {
      await releaseDeadPools(database.work);
      pool = await startPool(options);
      supervising = supervise();
    },
    stop: async () => {
      stopped.abort();
      const budget = startShutdownBudget(stopTimeoutMs, logger);
      const ending = pool;
      pool = undefined;
      await budget.waitFor('the queue', Promise.all([ending?.close(), supervising]));
    },
    isRunning: () => pool !== undefined,
  };
}

async function startPool(options: QueueOptions): Promise<Pool> {
  const { database, logger } = options;
  const session = newSession(database.connectionString);
  const lost = new Promise<never>((_, fail) => {
    session.once('error', fail);
    session.once('end', () => {
      fail(new Error('the connection that holds the locks was closed'));
    });
  });
  lost.catch(() => undefined); // The caller handles the error once it waits for the end of the pool.
  await session.connect();
  await session.query(`listen "${libraryChannel}"; listen "${jobsChannel}"`);
  const activeLanes = lanesOf(options).filter(({ tasks }) =>
    tasks.some((task) => Object.hasOwn(options.tasks, task)),
  );
  const lanes: RunningLane[] = [];
  const end = async (): Promise<void> => {
    const stopped = Promise.all(lanes.map(({ stop }) => stop()));
    // Jobs that still run then are released with the locks, and another process takes them up.
    await startShutdownBudget(gracefulShutdownMs, logger).waitFor('running jobs', stopped);
    await startShutdownBudget(sessionEndTimeoutMs, logger).waitFor('the session of the queue', session.end());
  };
  let ending: Promise<void> | undefined;
  const close = (): Promise<void> => (ending ??= end());
  try {
    for (const lane of activeLanes) {
      const running = await startLane(options, lane, session);
      lanes.push(running);
      await session.query('select pg_advisory_lock(hashtextextended($1, 0))', [running.poolId]);
    }
  } catch (error) {
    await close(); // Without its lock, other processes would consider it dead.
    throw error;
  }
  const ended = Promise.race([lost, ...lanes.map((lane) => lane.ended)]);
  ended.catch(() => undefined); // A stopped queue closes the pool without waiting for this.
  return { ended, close };
}

async function releaseUntilEnded(pool: pg.Pool, ended: Promise<unknown>): Promise<void> {
  const end = ended.then(() => true);
  while (!(await Promise.race([end, delay(releaseIntervalMs, false, { ref: false })])))
    await releaseDeadPools(pool);
}

/** Releases jobs of pools whose process is gone. */
async function releaseDeadPools(pool: pg.Pool): Promise<void> {
  const { rowCount } = await pool.query(`
    with holder as (
      select distinct locked_by as id from graphile_worker._private_jobs where locked_at < now() - interval '1 second'
    ), dead as (
      select id from holder where pg_try_advisory_xact_lock(hashtextextended(id, 0))
    )
    select graphile_worker.force_unlock_workers(array_agg(id)), pg_notify('jobs:insert', '{"r":0,"count":1}')
    from dead having count(*) > 0`);
  // A job that had scheduled its successor when its process died is finished: the library marks it and leaves
  // it there.
  if (rowCount)
    await pool.query(`
      select graphile_worker.complete_jobs(array(
        select id from graphile_worker._private_jobs where attempts >= max_attempts and locked_at is null))`);
}
