/**
 * The queue in PostgreSQL (graphile-worker), kept alive. The library gives the jobs of a dead process back only after
 * four hours. So each of its pools has an advisory lock named after it, on a connection of this process: the lock dies with the
 * process, and another one that finds jobs held by a pool whose lock is free gives them back. No heartbeat is needed.
 *
 * Pictures, messages to send, events to post and upkeep have a pool of workers each (a lane): whatever waits in one of them, the
 * others go on.
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
import { startPatience } from '../process/patience.js';
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
  /** Pictures that are under way at once. */
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
        if (!isStopping()) await keepReleasing(database.work, pool.ended);
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
      await releaseDeadPools(database.work);
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

/** Jobs of one kind of load, with workers of their own: whatever waits in the others, these go on. */
interface Lane {
  readonly tasks: readonly string[];
  /** Jobs at once. */
  readonly places: number;
  /** Jobs that are asked for together. One of them that is more urgent than those waits until they have begun. */
  readonly batch: number;
  /** How often jobs are asked for without a notification: those whose time has come are not announced. */
  readonly pollMs: number;
}

const lanesOf = ({ concurrency }: QueueOptions): readonly Lane[] => [
  // Many wait for a host or a decoder. Batches of jobs are fetched and completed by one statement each.
  { tasks: [fetchTask], places: concurrency, batch: Math.min(concurrency, 32), pollMs: 1_000 },
  // One job for each channel that has something to send; it has several messages under way.
  { tasks: [sendTask], places: 32, batch: 8, pollMs: 1_000 },
  // Subscribers may take seconds to answer.
  { tasks: [notifyTask], places: 48, batch: 16, pollMs: 1_000 },
  {
    tasks: [maintainTask, discardTask, deletionTask, retainTask, previewTask],
    places: 4,
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
      fail(new Error('the connection that holds the locks has ended'));
    });
  });
  lost.catch(() => undefined); // Heard by the caller that waits for the pool's end; before that, by nobody.
  await session.connect();
  await session.query(`listen "${libraryChannel}"; listen "${jobsChannel}"`);
  const known = lanesOf(options).filter(({ tasks }) =>
    tasks.some((task) => Object.hasOwn(options.tasks, task)),
  );
  const lanes: RunningLane[] = [];
  const end = async (): Promise<void> => {
    const stopped = Promise.all(lanes.map(({ stop }) => stop()));
    // What is still running then is given back with the locks: the process that looks for dead pools takes it up.
    await startPatience(gracefulShutdownMs, logger).waitFor('jobs that are under way', stopped);
    await startPatience(goodbyeMs, logger).waitFor('the session of the queue', session.end());
  };
  let ending: Promise<void> | undefined;
  const close = (): Promise<void> => (ending ??= end());
  try {
    for (const lane of known) {
      const running = await startLane(options, lane, session);
      lanes.push(running);
      await session.query('select pg_advisory_lock(hashtextextended($1, 0))', [running.poolId]);
    }
  } catch (error) {
    await close(); // Without its lock, others would take it for dead.
    throw error;
  }
  const ended = Promise.race([lost, ...lanes.map((lane) => lane.ended)]);
  ended.catch(() => undefined); // A queue that was stopped meanwhile closes the pool, and does not wait for this.
  return { ended, close };
}

interface RunningLane {
  readonly poolId: string;
  readonly ended: Promise<unknown>;
  /** Never rejects: it may have ended by itself. */
  readonly stop: () => Promise<void>;
}

async function startLane(
  { database, logger, tasks }: QueueOptions,
  lane: Lane,
  session: pg.Client,
): Promise<RunningLane> {
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
    parsedCronItems: lane.tasks.includes(maintainTask) ? parseCronItems(upkeep) : [],
    events,
    logger: quietLogger(logger, () => stopping),
    noHandleSignals: true,
    preset: {
      worker: {
        // The index of the few jobs beside fetch jobs serves only statements that are planned for their own tasks.
        preparedStatements: isFetch,
        concurrentJobs: lane.places,
        localQueue: { size: lane.batch, ttl: 60_000 },
        completeJobBatchDelay: 5,
        // Without it, a job that fails while the database is away is a rejection that nobody handles, and ends the process.
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
  const ended = Promise.race([runner.promise, givenUp, stuck]);
  ended.catch(() => undefined);
  return { poolId: await poolId, ended, stop };
}

const upkeep: CronItem[] = [
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

/** On which the library says that there are jobs, whichever they are. */
const libraryChannel = 'jobs:insert';

/**
 * Hears of new jobs for a lane. Lanes other than that of the pictures hear only of their own jobs, so that they do not ask for jobs with
 * every picture that arrives.
 */
function listenerFor(lane: Lane, session: pg.Client): EventEmitter {
  const listener = Object.assign(new EventEmitter(), { query: () => Promise.resolve() });
  session.on('notification', ({ channel, payload }) => {
    const concerns =
      channel === jobsChannel ? lane.tasks.includes(payload ?? '') : lane.tasks.includes(fetchTask);
    if (concerns) listener.emit('notification', { channel: libraryChannel, payload: '{"count":1}' });
  });
  return listener;
}

/**
 * The newest pictures are fetched first. While there are more than can be fetched, the oldest would wait until it is calm; so with
 * every full batch, some of them go to the front.
 */
function preferOldest(pool: pg.Pool, count: number, logger: Logger): void {
  pool.query({ name: 'jobs-oldest', text: preferOldestJobs, values: [count] }).catch((error: unknown) => {
    logger.warn({ reason: reasonOf(error) }, 'the oldest pictures could not be put first');
  });
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
 * none, nor that a batch has fewer jobs than may be at work: those jobs wait for the network and for decoders most of the time.
 */
const noTrouble = /maxPoolSize|job batch size/;
/** Version 0.17 stumbles over its own bookkeeping when it is stopped with jobs in its hands, after it has given them back. */
const noTroubleAtTheEnd =
  /Cannot background something when the queue is already released|Errors occurred whilst deactivating queue/;

function quietLogger(logger: Logger, isStopping: () => boolean): QueueLogger {
  return new QueueLogger(() => (level, message) => {
    if (!/^(error|warning)$/.test(level) || noTrouble.test(message)) return;
    if (isStopping() && noTroubleAtTheEnd.test(message)) return;
    logger.warn({ queue: message.split('\n')[0] }, 'the queue reports trouble');
  });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
