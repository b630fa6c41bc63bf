/**
 * Pictures, messages to send, events to post and maintenance have a pool of workers each (a lane), so that a
 * blocked lane does not delay the others.
 */
import { EventEmitter, once } from 'node:events';

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
import type { Database } from '../postgres/database.js';
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

export interface LaneOptions {
  readonly database: Pick<Database, 'work'>;
  readonly logger: Logger;
  readonly tasks: TaskList;
  /** The number of pictures that are processed at once. */
  readonly concurrency: number;
}

export const gracefulShutdownMs = 5_000;
/** The timeout of the first request for jobs, longer than connecting may take. */
const firstJobsTimeoutMs = 8_000;

/** A group of tasks with workers of its own, so that the other groups do not delay it. */
export interface Lane {
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

export const lanesOf = ({ concurrency }: LaneOptions): readonly Lane[] => [
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

export interface RunningLane {
  readonly poolId: string;
  readonly ended: Promise<unknown>;
  /** Never rejects, because the lane may have ended by itself. */
  readonly stop: () => Promise<void>;
}

export async function startLane(options: LaneOptions, lane: Lane, session: pg.Client): Promise<RunningLane> {
  const events: WorkerEvents = new EventEmitter();
  const poolId = new Promise<string>((resolve) => {
    events.once('pool:create', ({ workerPool }) => {
      resolve(workerPool.id);
    });
  });
  const failed = failureOf(events);
  if (lane.tasks.includes(fetchTask)) preferOldestPictures(events, lane, options);
  let stopping = false;
  let isEnding = false;
  events.once('pool:gracefulShutdown', () => {
    isEnding = true;
  });
  const { database, logger, tasks } = options;
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
    preset: presetOf(lane),
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    await runner.stop().catch(() => undefined);
  };
  const ended = Promise.race([runner.promise, failed]);
  ended.catch(() => undefined);
  return { poolId: await poolId, ended, stop };
}

/** Rejects when the pool shuts down by itself, or gets no answer to its first request for jobs. */
function failureOf(events: WorkerEvents): Promise<never> {
  // From then on the pool accepts no jobs, but it ends only after its last job.
  const gracefulShutdown = once(events, 'pool:gracefulShutdown').then(() => {
    throw new Error('the pool of workers shut down by itself');
  });
  // The library reads the ids of its tasks with the first jobs; if that fails, the failure is permanent.
  const startTimeout = new Promise<never>((_, fail) => {
    const timer = setTimeout(fail, firstJobsTimeoutMs, new Error('the first request for jobs timed out'));
    timer.unref();
    events.once('localQueue:getJobs:complete', () => {
      clearTimeout(timer);
    });
  });
  const failure = Promise.race([gracefulShutdown, startTimeout]);
  failure.catch(() => undefined);
  return failure;
}

/**
 * Moves some of the oldest pictures to the front with every full batch. The newest pictures are fetched
 * first, so the oldest would otherwise wait as long as there is a backlog.
 */
function preferOldestPictures(events: WorkerEvents, lane: Lane, { database, logger }: LaneOptions): void {
  const values = [Math.ceil(lane.batch / 8)];
  events.on('localQueue:getJobs:complete', ({ jobs }) => {
    if (jobs.length < lane.batch) return;
    database.work.query({ name: 'jobs-oldest', text: preferOldestJobs, values }).catch((error: unknown) => {
      logger.warn({ reason: reasonOf(error) }, 'the oldest pictures could not be prioritised');
    });
  });
}

function presetOf(lane: Lane): GraphileConfig.Preset {
  return {
    worker: {
      // The index of the few jobs besides fetch jobs is only used by statements that are planned for their
      // own tasks.
      preparedStatements: lane.tasks.includes(fetchTask),
      concurrentJobs: lane.concurrency,
      localQueue: { size: lane.batch, ttl: 60_000 },
      completeJobBatchDelay: 5,
      // Without it, a job that fails while the database is unavailable causes an unhandled rejection, which
      // ends the process.
      failJobBatchDelay: 5,
      gracefulShutdownAbortTimeout: gracefulShutdownMs,
      pollInterval: lane.pollMs,
    },
  };
}

/**
 * A run that takes longer than its interval is never joined by another one: each task has a queue of its own,
 * in which at most one further run waits. Otherwise, the runs of a long clean-up would occupy all workers of
 * their lane, and nothing else in it would run.
 */
const maintenanceCron: CronItem[] = [
  { task: maintainTask, match: '* * * * *', options: cronOptions(maintainTask, priorities.maintain) },
  { task: retainTask, match: '7 * * * *', options: cronOptions(retainTask, priorities.retain) },
];

function cronOptions(task: string, priority: number): NonNullable<CronItem['options']> {
  return { backfillPeriod: 0, queueName: task, jobKey: task, jobKeyMode: 'preserve_run_at', priority };
}

/** The notification channel on which the library announces jobs of any task. */
export const libraryChannel = 'jobs:insert';

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

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
