/**
 * Runs the queue in PostgreSQL (graphile-worker). The library releases the jobs of a dead process only after
 * four hours. Each of its pools therefore has an advisory lock named after it, on a connection of this
 * process: the lock disappears with the process, and another process that finds jobs of a pool without its
 * lock releases them. No heartbeat is needed.
 *
 * Pictures, messages to send, events to post and maintenance have a pool of workers each (a lane), so that a
 * blocked lane does not delay the others.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import {
  Logger as QueueLogger,
  parseCronItems,
  run,
  type CronItem,
  type TaskList,
  type WorkerEvents,
} from 'graphile-worker';
import type pg from 'pg';

import type { Logger } from '../logging/logger.js';
import { newSession, type Database } from '../postgres/database.js';
import { startShutdownBudget } from '../process/shutdown-budget.js';
import { queueConnections } from './connections.js';
import {
  deletionTask,
  discardTask,
  fetchTask,
  jobsChannel,
  maintainTask,
  notifyTask,
  preferOldestJobs,
  previewTask,
  priorities,
  retainTask,
  sendTask,
} from './tasks.js';

export interface Queue {
  /** Resolves when the first pool accepts jobs. */
  readonly start: () => Promise<void>;
  /** Waits a few seconds for running jobs; the others are released. */
  readonly stop: () => Promise<void>;
  /** Whether jobs are being accepted now. */
  readonly isRunning: () => boolean;
}

export interface QueueOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly tasks: TaskList;
  /** The number of pictures that are processed at once. */
  readonly concurrency: number;
}

/** The interval for releasing the jobs of dead pools. */
const releaseIntervalMs = 2_000;
const restartDelayMs = 1_000;
const gracefulShutdownMs = 5_000;
/** The timeout of the first request for jobs, longer than connecting may take. */
const firstJobsTimeoutMs = 8_000;
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

/** A group of tasks with workers of its own, so that the other groups do not delay it. */
interface Lane {
  readonly tasks: readonly string[];
  /** The number of jobs that run at once. */
  readonly concurrency: number;
  /**
   * The number of jobs that are requested together. A more urgent job in a batch waits until the batch has
   * started.
   */
  readonly batch: number;
  /** How often jobs are requested without a notification, because jobs that become due are not announced. */
  readonly pollMs: number;
}

const lanesOf = ({ concurrency }: QueueOptions): readonly Lane[] => [
  // Most jobs wait for a host or a decoder. Jobs are requested and completed in batches, with one statement
  // each.
  { tasks: [fetchTask], concurrency: concurrency, batch: Math.min(concurrency, 32), pollMs: 1_000 },
  // One job for each channel with queued messages; it sends several messages at once.
  { tasks: [sendTask], concurrency: 32, batch: 8, pollMs: 1_000 },
  // Subscribers may take seconds to respond.
  { tasks: [notifyTask], concurrency: 48, batch: 16, pollMs: 1_000 },
  {
    tasks: [maintainTask, discardTask, deletionTask, retainTask, previewTask],
    concurrency: 4,
    batch: 4,
    pollMs: 2_000,
  },
];

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

interface RunningLane {
  readonly poolId: string;
  readonly ended: Promise<unknown>;
  /** Never rejects, because the lane may have ended by itself. */
  readonly stop: () => Promise<void>;
}

async function startLane(
  { database, logger, tasks }: QueueOptions,
  lane: Lane,
  session: pg.Client,
): Promise<RunningLane> {
  const events: WorkerEvents = new EventEmitter();
  const poolId = new Promise<string>((resolve) => {
    events.once('pool:create', ({ workerPool }) => {
      resolve(workerPool.id);
    });
  });
  // From then on the pool accepts no jobs, but it ends only after its last job.
  const gracefulShutdown = once(events, 'pool:gracefulShutdown').then(() => {
    throw new Error('the pool of workers shut down by itself');
  });
  gracefulShutdown.catch(() => undefined);
  // The library reads the ids of its tasks with the first jobs; if that fails, the failure is permanent.
  const startTimeout = new Promise<never>((_, fail) => {
    const timer = setTimeout(fail, firstJobsTimeoutMs, new Error('the first request for jobs timed out'));
    timer.unref();
    events.once('localQueue:getJobs:complete', () => {
      clearTimeout(timer);
    });
  });
  startTimeout.catch(() => undefined);
  const isFetch = lane.tasks.includes(fetchTask);
  if (isFetch)
    events.on('localQueue:getJobs:complete', ({ jobs }) => {
      if (jobs.length >= lane.batch) preferOldest(database.work, Math.ceil(lane.batch / 8), logger);
    });
  let stopping = false;
  let isEnding = false;
  events.once('pool:gracefulShutdown', () => {
    isEnding = true;
  });
  const runner = await run({
    pgPool: queueConnections({
      pool: database.work,
      listener: listenerFor(lane, session),
      isEnding: () => isEnding,
    }),
    taskList: Object.fromEntries(Object.entries(tasks).filter(([name]) => lane.tasks.includes(name))),
    parsedCronItems: lane.tasks.includes(maintainTask) ? parseCronItems(maintenanceCron) : [],
    events,
    logger: quietLogger(logger, () => stopping),
    noHandleSignals: true,
    preset: {
      worker: {
        // The index of the few jobs besides fetch jobs is only used by statements that are planned for their
        // own tasks.
        preparedStatements: isFetch,
        concurrentJobs: lane.concurrency,
        localQueue: { size: lane.batch, ttl: 60_000 },
        completeJobBatchDelay: 5,
        // Without it, a job that fails while the database is unavailable causes an unhandled rejection, which
        // ends the process.
        failJobBatchDelay: 5,
        gracefulShutdownAbortTimeout: gracefulShutdownMs,
        pollInterval: lane.pollMs,
      },
    },
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    await runner.stop().catch(() => undefined);
  };
  const ended = Promise.race([runner.promise, gracefulShutdown, startTimeout]);
  ended.catch(() => undefined);
  return { poolId: await poolId, ended, stop };
}

const maintenanceCron: CronItem[] = [
  {
    task: maintainTask,
    match: '* * * * *',
    options: { backfillPeriod: 0, priority: priorities.maintain },
  },
  {
    task: retainTask,
    match: '7 * * * *',
    options: { backfillPeriod: 0, priority: priorities.retain },
  },
];

/** The notification channel on which the library announces jobs of any task. */
const libraryChannel = 'jobs:insert';

/**
 * Emits notifications about new jobs for a lane. Lanes other than that of the pictures are notified of their
 * own jobs only, so that they do not query for each new picture.
 */
function listenerFor(lane: Lane, session: pg.Client): EventEmitter {
  const listener = Object.assign(new EventEmitter(), { query: () => Promise.resolve() });
  session.on('notification', ({ channel, payload }) => {
    const isRelevant =
      channel === jobsChannel ? lane.tasks.includes(payload ?? '') : lane.tasks.includes(fetchTask);
    if (isRelevant) listener.emit('notification', { channel: libraryChannel, payload: '{"count":1}' });
  });
  return listener;
}

/**
 * Moves some of the oldest pictures to the front with every full batch. The newest pictures are fetched
 * first, so the oldest would otherwise wait as long as there is a backlog.
 */
function preferOldest(pool: pg.Pool, count: number, logger: Logger): void {
  pool.query({ name: 'jobs-oldest', text: preferOldestJobs, values: [count] }).catch((error: unknown) => {
    logger.warn({ reason: reasonOf(error) }, 'the oldest pictures could not be prioritised');
  });
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

/**
 * The library logs every job, and only problems are of interest. Two warnings are not problems: jobs wait for
 * the network and for decoders most of the time, so there may be fewer connections than running jobs, and
 * batches smaller than the concurrency.
 */
const ignoredWarnings = /maxPoolSize|job batch size/;
/**
 * When version 0.17 is stopped with running jobs, it reports errors of its own bookkeeping after it has
 * released the jobs.
 */
const ignoredShutdownWarnings =
  /Cannot background something when the queue is already released|Errors occurred whilst deactivating queue/;

function quietLogger(logger: Logger, isStopping: () => boolean): QueueLogger {
  return new QueueLogger(() => (level, message) => {
    if (!/^(error|warning)$/.test(level) || ignoredWarnings.test(message)) return;
    if (isStopping() && ignoredShutdownWarnings.test(message)) return;
    logger.warn({ queue: message.split('\n')[0] }, 'the queue reports a problem');
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
