/**
 * The queue in PostgreSQL (graphile-worker), kept alive. The library gives the jobs of a dead process back only after
 * four hours. So each pool holds an advisory lock named after it, on a connection of its own: the lock dies with the
 * process, and whoever finds jobs held by a pool whose lock is free gives them back. No heartbeat is needed.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import {
  Logger as QueueLogger,
  parseCronItems,
  run,
  type TaskList,
  type WorkerEvents,
} from 'graphile-worker';
import type pg from 'pg';

import { newSession, type Database } from './database.js';
import type { Logger } from './logger.js';
import { startPatience } from './patience.js';
import { maintainTask, retainTask } from './tasks.js';

export interface Queue {
  /** Resolves when the first pool takes jobs. */
  readonly start: () => Promise<void>;
  /** Lets running jobs end, for a few seconds; the others are given back. */
  readonly stop: () => Promise<void>;
  /** Whether jobs are being taken now. */
  readonly isRunning: () => boolean;
}

export interface QueueOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly tasks: TaskList;
  readonly concurrency: number;
}

/** How often jobs of dead pools are looked for. */
const releaseEveryMs = 2_000;
const restartAfterMs = 1_000;
const gracefulShutdownMs = 5_000;
/** For asking for jobs the first time; longer than connecting may take. */
const firstAskedWithinMs = 8_000;
/** For the whole of an end, that of a lost database's connections included. */
const stopMs = gracefulShutdownMs + 1_000;
const goodbyeMs = 500;

interface Pool {
  /** Settles when the pool takes no jobs, or has lost the connection that holds its lock. */
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
        if (!isStopping()) await keepReleasing(database.pool, pool.ended);
      } catch (error) {
        if (!isStopping())
          logger.warn({ reason: reasonOf(error) }, 'the queue is interrupted, starting it anew');
      }
      const ending = pool;
      pool = undefined;
      await ending?.close();
      if (isStopping()) return;
      await delay(restartAfterMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };

  return {
    start: async () => {
      await releaseDeadPools(database.pool);
      pool = await startPool(options);
      supervising = supervise();
    },
    stop: async () => {
      stopped.abort();
      const patience = startPatience(stopMs, logger);
      const ending = pool;
      pool = undefined;
      await patience.waitFor('the queue', Promise.all([ending?.close(), supervising]));
    },
    isRunning: () => pool !== undefined,
  };
}

async function startPool({ database, logger, tasks, concurrency }: QueueOptions): Promise<Pool> {
  const session = newSession(database.connectionString);
  const lost = new Promise<never>((_, fail) => {
    session.once('error', fail);
    session.once('end', () => {
      fail(new Error('the connection that holds the lock has ended'));
    });
  });
  lost.catch(() => undefined); // Heard by whoever waits for the pool's end; before that, by nobody.
  await session.connect();
  const events: WorkerEvents = new EventEmitter();
  const poolId = new Promise<string>((found) => {
    events.once('pool:create', ({ workerPool }) => {
      found(workerPool.id);
    });
  });
  // It takes no job from then on, but ends only when the last one that it has is done.
  const givenUp = once(events, 'pool:gracefulShutdown').then(() => {
    throw new Error('the pool has given up');
  });
  givenUp.catch(() => undefined);
  // The library learns the numbers of its tasks with the first jobs, and should that fail, keeps the failure for good.
  const stuck = new Promise<never>((_, fail) => {
    const timer = setTimeout(fail, firstAskedWithinMs, new Error('jobs could not be asked for'));
    timer.unref();
    events.once('localQueue:getJobs:complete', () => {
      clearTimeout(timer);
    });
  });
  stuck.catch(() => undefined);
  const runner = await run({
    pgPool: database.pool,
    taskList: tasks,
    parsedCronItems: parseCronItems([
      { task: maintainTask, match: '* * * * *', options: { backfillPeriod: 0 } },
      { task: retainTask, match: '7 * * * *', options: { backfillPeriod: 0 } },
    ]),
    events,
    logger: quietLogger(logger),
    noHandleSignals: true,
    preset: {
      worker: {
        concurrentJobs: concurrency,
        // Batches of jobs are fetched and completed together: one statement each instead of two for every picture.
        localQueue: { size: concurrency, ttl: 60_000 },
        completeJobBatchDelay: 5,
        // Without it, a job that fails while the database is away is a rejection that nobody handles, and ends the process.
        failJobBatchDelay: 5,
        gracefulShutdownAbortTimeout: gracefulShutdownMs,
        pollInterval: 1_000,
      },
    },
  });
  const end = async (): Promise<void> => {
    const stopped = runner.stop().catch(() => undefined); // It may have ended by itself.
    // What is still running then is given back with the lock: whoever looks for dead pools takes it up.
    await startPatience(gracefulShutdownMs, logger).waitFor('jobs that are under way', stopped);
    await startPatience(goodbyeMs, logger).waitFor('the session of the queue', session.end());
  };
  let ending: Promise<void> | undefined;
  const close = (): Promise<void> => (ending ??= end());
  try {
    await session.query('select pg_advisory_lock(hashtextextended($1, 0))', [await poolId]);
  } catch (error) {
    await close(); // Without its lock, others would take it for dead.
    throw error;
  }
  const ended = Promise.race([runner.promise, lost, givenUp, stuck]);
  ended.catch(() => undefined); // A queue that was stopped meanwhile closes the pool, and does not wait for this.
  return { ended, close };
}

async function keepReleasing(pool: pg.Pool, ended: Promise<unknown>): Promise<void> {
  const end = ended.then(() => true);
  while (!(await Promise.race([end, delay(releaseEveryMs, false, { ref: false })])))
    await releaseDeadPools(pool);
}

/** Gives back the jobs that are held by pools whose process is gone. */
async function releaseDeadPools(pool: pg.Pool): Promise<void> {
  const { rowCount } = await pool.query(`
    with holder as (
      select distinct locked_by as id from graphile_worker._private_jobs where locked_at < now() - interval '1 second'
    ), dead as (
      select id from holder where pg_try_advisory_xact_lock(hashtextextended(id, 0))
    )
    select graphile_worker.force_unlock_workers(array_agg(id)), pg_notify('jobs:insert', '{"r":0,"count":1}')
    from dead having count(*) > 0`);
  // A job that had put its next one in place when its process died is over: the library marks it so and leaves it there.
  if (rowCount)
    await pool.query(`
      select graphile_worker.complete_jobs(array(
        select id from graphile_worker._private_jobs where attempts >= max_attempts and locked_at is null))`);
}

/**
 * The library tells of every job; we only want to hear of trouble. That it may have fewer connections than jobs at work is
 * none: those jobs wait for the network and for decoders most of the time.
 */
function quietLogger(logger: Logger): QueueLogger {
  return new QueueLogger(() => (level, message) => {
    if (/^(error|warning)$/.test(level) && !message.includes('maxPoolSize'))
      logger.warn({ queue: message.split('\n')[0] }, 'the queue reports trouble');
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
