/**
 * The tasks of the queue: their names, their payloads, and the SQL that adds their jobs. All of it is in one
 * place, because the statements in `infra` write rows together with their jobs, and because the order among
 * jobs is decided here.
 */

/**
 * Downloads, checks, stores and previews one media item; payload `{mediaId}`. Jobs for later attempts have
 * the key `fetch:<media id>`, so that a waiting job is moved instead of duplicated; the first one needs none.
 */
export const fetchTask = 'fetch';

/**
 * Posts pending events to one subscription; payload `{subscriptionId}`. Never two at once for one
 * subscription.
 */
export const notifyTask = 'notify';

/** Sends the queued messages of one channel; payload `{channel}`. Never two at once for one channel. */
export const sendTask = 'send';

/** Deletes the files of unused blobs, then their rows; payload `{sha256: [...]}`. */
export const discardTask = 'discard';

/** Handles a message that its sender has deleted; payload `{channel, messageId, at, tries}`. */
export const deletionTask = 'deletion';

/** Makes previews of stored bytes for which no decoder was free; payload `{sha256, tries}`. One at a time. */
export const previewTask = 'preview';

/** Deletes what exceeds its retention period, every hour. */
export const retainTask = 'retain';

/** Cleans up leftovers, every minute. */
export const maintainTask = 'maintain';

/**
 * Locking a job counts as an attempt for the queue, even if the process dies right afterwards. The service
 * itself decides when a picture has failed, so the queue's limit must never be reached.
 */
const maxJobAttempts = 32_767;

/**
 * The order of due jobs: lower numbers run first. The numbers are graphile-worker's, a smallint with the
 * default 0. Pictures come last, because there may be a hundred thousand of them; among them, those that were
 * never tried come first.
 */
export const priorities = {
  maintain: -50,
  send: -40,
  notify: -30,
  discard: -20,
  deletion: -15,
  retain: -10,
  preview: -5,
  /** A picture that has waited for a long time, see {@link preferOldestJobs}. */
  oldest: -1,
  /** The first attempt at a picture, or an attempt that a user requested. */
  first: 0,
  /** A postponed first attempt. */
  waiting: 10,
  /**
   * Later attempts: this plus the number of failed attempts, so that new pictures pass pictures that have
   * failed for hours.
   */
  retry: 20,
} as const;

/** The jobs of one statement as SQL expressions over the columns of `from`. */
interface JobSpecs {
  readonly task: string;
  readonly payload: string;
  readonly from: string;
  /** The expression for a queue name; jobs with the same name run one after another. */
  readonly queue?: string;
  /** The current time by default. */
  readonly runAt?: string;
  /** A waiting job with this key is moved instead of duplicated. */
  readonly key?: string;
  readonly priority: string | number;
}

function jobSpecs({ task, payload, from, queue, runAt, key, priority }: JobSpecs): string {
  return `array(
    select row('${task}', ${payload}, ${queue ?? 'null'}, ${runAt ?? 'null'}, ${String(maxJobAttempts)}, ${key ?? 'null'},
               (${String(priority)})::smallint, null)::graphile_worker.job_spec
    from ${from})`;
}

/**
 * The notification channel for the lanes other than that of the pictures; the payload is the name of the
 * task.
 */
export const jobsChannel = 'inlet:jobs';

/**
 * Returns a `select` that adds the jobs and counts them as `added`. In a `with`, the rest of the statement
 * must read it.
 */
function addJobs(specs: JobSpecs, { keepsTime = false }: { readonly keepsTime?: boolean } = {}): string {
  const notification = specs.task === fetchTask ? '' : `, pg_notify('${jobsChannel}', '${specs.task}')`;
  return `select count(*) as added${notification} from graphile_worker.add_jobs(${jobSpecs(specs)}, ${String(keepsTime)})`;
}

/**
 * The later a job is added, the earlier it is due. The newest job of a priority thus runs first, at no cost
 * for the waiting ones. If there are more pictures than can be fetched, new ones are still fetched at once
 * and only the backlog waits; with first come, first served, every new picture would wait for the whole
 * backlog.
 */
const newestFirst = 'to_timestamp(-extract(epoch from now()))';

/**
 * Returns an `insert` of the first fetch jobs for new media, selected as `id` by `rows`. In a `with`, the rest
 * of the statement must read {@link announcement} of it.
 *
 * The library's own function looks for jobs with the same key and returns each row, which these jobs do not
 * need: measured for 32 pictures, it took 60 % of the time of the statement that stores their webhooks. The
 * insert fails if the task has no row, which the start of the service adds ({@link indexOtherJobs}).
 */
export function addFirstFetchJobs(rows: string): string {
  return `insert into graphile_worker._private_jobs (task_id, payload, run_at, max_attempts, priority)
          select (select id from graphile_worker._private_tasks where identifier = '${fetchTask}'),
                 json_build_object('mediaId', fresh.id), ${newestFirst}, ${String(maxJobAttempts)},
                 ${String(priorities.first)}
          from (${rows}) as fresh
          returning 1`;
}

/** An expression that wakes the workers for the jobs that `inserted` holds, as the library does. */
export function announcement(inserted: string): string {
  return `(select case when count(*) > 0
                       then pg_notify('jobs:insert', json_build_object('r', random(), 'count', count(*))::text) end
           from ${inserted})`;
}

/** Prioritises the `$1` first attempts that have waited longest, and as many later attempts that are due. */
export const preferOldestJobs = `
  with first as (
    select id from graphile_worker._private_jobs
    where is_available = true and priority = ${String(priorities.first)} and run_at < to_timestamp(0)
    order by priority desc, run_at desc limit $1 for update skip locked
  ), later as (
    select id from graphile_worker._private_jobs
    where is_available = true and priority > ${String(priorities.first)} and run_at <= now()
    order by priority, run_at limit $1 for update skip locked
  )
  update graphile_worker._private_jobs as job set priority = ${String(priorities.oldest)}
  from (select id from first union all select id from later) as oldest where job.id = oldest.id`;

/**
 * An index of all jobs except those of pictures, for the other lanes: without it, they would scan every
 * waiting picture. Run it after the library's own migrations.
 */
export const indexOtherJobs = `
  do $$
  declare pictures int;
  begin
    if to_regclass('graphile_worker.inlet_other_jobs') is null then
      insert into graphile_worker._private_tasks (identifier) values ('${fetchTask}') on conflict do nothing;
      select id into pictures from graphile_worker._private_tasks where identifier = '${fetchTask}';
      execute format('create index inlet_other_jobs on graphile_worker._private_jobs (priority, run_at)
                      where is_available = true and task_id <> %s', pictures);
    end if;
  end $$`;

/** Adds fetch jobs for media, selected as `id, run_at, priority` by `rows`; a waiting job is moved. */
export function addFetchJobs(rows: string): string {
  return addJobs({
    task: fetchTask,
    payload: `json_build_object('mediaId', id)`,
    from: `(${rows}) as due`,
    runAt: 'run_at',
    key: `'${fetchTask}:' || id`,
    priority: 'priority',
  });
}

/** The priority of a fetch job whose media item has failed `attempts` (SQL) times. */
export function retryPriority(attempts: string): string {
  return `${String(priorities.retry)} + least(${attempts}, 1000)`;
}

/**
 * Adds the jobs that send the queued messages of the channels that `rows` selects as `channel`. With
 * `keepsTime`, a waiting job keeps its time if it is earlier than the new one, because a new message has set
 * it.
 */
export function addSendJobs(
  rows: string,
  { runAt, keepsTime }: { readonly runAt?: string; readonly keepsTime?: boolean } = {},
): string {
  const key = `'${sendTask}:' || channel`;
  return addJobs(
    {
      task: sendTask,
      payload: `json_build_object('channel', channel)`,
      from: `(${rows}) as sender`,
      queue: key,
      key,
      priority: priorities.send,
      ...(runAt !== undefined && { runAt }),
    },
    { ...(keepsTime !== undefined && { keepsTime }) },
  );
}

/**
 * A query that finds the send job of the channel (an SQL expression) if it is running or waits for its time;
 * used with `exists`.
 */
export function sendJobOf(channel: string): string {
  // The library waits longer and longer for a job that has failed: such a job is added again as well.
  return `select from graphile_worker._private_jobs as job
          where (job.key = '${sendTask}:' || ${channel} and job.attempts = 0)
             or (job.locked_at is not null and job.payload ->> 'channel' = ${channel})`;
}

/**
 * Adds the jobs for the subscriptions that `rows` selects as `subscription_id`; with `keepsTime`, a waiting
 * job keeps its earlier time.
 */
export function addNotifyJobs(
  rows: string,
  { runAt, keepsTime }: { readonly runAt?: string; readonly keepsTime?: boolean } = {},
): string {
  const key = `'${notifyTask}:' || subscription_id`;
  return addJobs(
    {
      task: notifyTask,
      payload: `json_build_object('subscriptionId', subscription_id)`,
      from: `(${rows}) as subscriber`,
      queue: key,
      key,
      priority: priorities.notify,
      ...(runAt !== undefined && { runAt }),
    },
    { ...(keepsTime !== undefined && { keepsTime }) },
  );
}

/**
 * Adds the jobs that delete unused blobs: one for each row of `rows`, whose `sha256` is a JSON array of
 * digests.
 */
export function addDiscardJobs(rows: string): string {
  return addJobs({
    task: discardTask,
    payload: `json_build_object('sha256', sha256)`,
    from: `(${rows}) as orphans`,
    priority: priorities.discard,
  });
}

/**
 * Adds the jobs for messages that their senders have deleted, selected as `channel, message_id, at, tries` by
 * `rows`.
 */
export function addDeletionJobs(rows: string, { runAt }: { readonly runAt?: string } = {}): string {
  return addJobs({
    task: deletionTask,
    payload: `json_build_object('channel', channel, 'messageId', message_id, 'at', at, 'tries', tries)`,
    from: `(${rows}) as deleted`,
    key: `'${deletionTask}:' || md5(channel || ' ' || message_id)`,
    priority: priorities.deletion,
    ...(runAt !== undefined && { runAt }),
  });
}

/** Adds the jobs for blobs without previews, selected as `sha256, tries` by `rows`. */
export function addPreviewJobs(rows: string, { runAt }: { readonly runAt: string }): string {
  return addJobs({
    task: previewTask,
    payload: `json_build_object('sha256', sha256, 'tries', tries)`,
    from: `(${rows}) as blob`,
    key: `'${previewTask}:' || sha256`,
    queue: `'${previewTask}'`,
    runAt,
    priority: priorities.preview,
  });
}

/** Selects the fetch job of the media item with the id `id` (SQL) if it will run; for `exists`. */
export function fetchJobOf(id: string): string {
  // A job that had scheduled its successor when its process died never runs again.
  return `select from graphile_worker._private_jobs as job join graphile_worker._private_tasks as task on task.id = job.task_id
          where task.identifier = '${fetchTask}' and job.payload ->> 'mediaId' = ${id}::text
            and (job.attempts < job.max_attempts or job.locked_at is not null)`;
}
