/**
 * The queue's tasks: their names, their payloads, and the SQL that adds their jobs. In one place, since rows and their jobs are written
 * by the same statements all over `infra`, and since the order among jobs is decided here.
 */

/**
 * Downloads, checks, stores and previews one media; payload `{mediaId}`. Jobs of later attempts have the key
 * `fetch:<media id>`, so that one that waits is moved instead of doubled; the first one needs none.
 */
export const fetchTask = 'fetch';

/** Tells one subscription of the events that wait for it; payload `{subscriptionId}`. Never two at once for one subscription. */
export const notifyTask = 'notify';

/** Sends what waits in one channel; payload `{channel}`. Never two at once for one channel. */
export const sendTask = 'send';

/** Removes the files of blobs that no media uses any more, then their rows; payload `{sha256: [...]}`. */
export const discardTask = 'discard';

/** A message was taken back by its sender; payload `{channel, messageId, at, tries}`. */
export const deletionTask = 'deletion';

/** Makes the previews of stored bytes for which no decoder had time; payload `{sha256, tries}`. One at a time. */
export const previewTask = 'preview';

/** Every hour: removes what is older than it is to be kept. */
export const retainTask = 'retain';

/** Every minute: looks for what was left behind. */
export const maintainTask = 'maintain';

/**
 * Locking a job counts as an attempt for the queue, also when the process is killed the next moment. When to give up on
 * a picture is our own decision, so the queue's limit must never be the one that is reached.
 */
const maxJobAttempts = 32_767;

/**
 * Who goes first when several jobs are due: the lower number. Numbers are those of graphile-worker, a smallint whose default is 0.
 * Pictures come last, since there may be a hundred thousand of them; among them those that were never tried come first.
 */
export const priorities = {
  maintain: -50,
  send: -40,
  notify: -30,
  discard: -20,
  deletion: -15,
  retain: -10,
  preview: -5,
  /** A picture that has waited for long, see {@link preferOldestJobs}. */
  oldest: -1,
  /** The first attempt at a picture, or one that somebody asked for. */
  first: 0,
  /** A first attempt that was put off. */
  waiting: 10,
  /** Later attempts: this and the number of attempts that were made, so that a picture of now passes one that fails for hours. */
  retry: 20,
} as const;

/** How the jobs of one statement are given: SQL expressions, over the columns of `from`. */
interface JobSpecs {
  readonly task: string;
  readonly payload: string;
  readonly from: string;
  /** The expression of a name; jobs of one name run one after the other. */
  readonly queue?: string;
  /** Now, when not given. */
  readonly runAt?: string;
  /** A job that waits under this key is moved instead of doubled. */
  readonly key?: string;
  readonly priority: string | number;
}

function jobSpecs({ task, payload, from, queue, runAt, key, priority }: JobSpecs): string {
  return `array(
    select row('${task}', ${payload}, ${queue ?? 'null'}, ${runAt ?? 'null'}, ${String(maxJobAttempts)}, ${key ?? 'null'},
               (${String(priority)})::smallint, null)::graphile_worker.job_spec
    from ${from})`;
}

/** On which the lanes of the queue other than that of the pictures hear of their jobs; the payload is the name of the task. */
export const jobsChannel = 'inlet:jobs';

/** A `select` that adds the jobs, and says how many as `added`. In a `with`, it must be read by the rest of the statement. */
function addJobs(specs: JobSpecs, { keepsTime = false }: { readonly keepsTime?: boolean } = {}): string {
  const told = specs.task === fetchTask ? '' : `, pg_notify('${jobsChannel}', '${specs.task}')`;
  return `select count(*) as added${told} from graphile_worker.add_jobs(${jobSpecs(specs)}, ${String(keepsTime)})`;
}

/**
 * The later a job is added, the earlier it is due: so the newest goes first, among jobs of one priority, at no cost for those that wait.
 * When there are more pictures than can be fetched, those of now are there at once, and only the backlog waits; first come first
 * served would make every new one wait for all of it.
 */
const newestFirst = 'to_timestamp(-extract(epoch from now()))';

/** Adds the first fetch jobs of new media, selected as `id` by `rows`. */
export function addFirstFetchJobs(rows: string): string {
  return addJobs({
    task: fetchTask,
    payload: `json_build_object('mediaId', id)`,
    from: `(${rows}) as fresh`,
    runAt: newestFirst,
    priority: priorities.first,
  });
}

/** Puts the `$1` first attempts first that have waited longest, and as many of the others that are due. */
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
 * An index of all jobs but those of pictures, for the lanes that look for these: without it they would walk over every picture that
 * waits. To be run after the library's own migrations.
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

/** Adds the fetch jobs of media, selected as `id, run_at, priority` by `rows`; a job that waits already is moved. */
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

/** The priority of a fetch job of a media of which `attempts` (SQL) attempts have failed. */
export function retryPriority(attempts: string): string {
  return `${String(priorities.retry)} + least(${attempts}, 1000)`;
}

/**
 * Adds the jobs that send what waits in the channels that `rows` selects as `channel`. With `keepsTime`, a job that waits already keeps
 * its time if that is earlier than it is set to now: it was put there by something new.
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

/** Adds the jobs of the subscriptions that `rows` selects as `subscription_id`; with `keepsTime`, one that waits keeps its time. */
export function addNotifyJobs(
  rows: string,
  { runAt, keepsTime }: { readonly runAt?: string; readonly keepsTime?: boolean } = {},
): string {
  const key = `'${notifyTask}:' || subscription_id`;
  return addJobs(
    {
      task: notifyTask,
      payload: `json_build_object('subscriptionId', subscription_id)`,
      from: `(${rows}) as told`,
      queue: key,
      key,
      priority: priorities.notify,
      ...(runAt !== undefined && { runAt }),
    },
    { ...(keepsTime !== undefined && { keepsTime }) },
  );
}

/** Adds the jobs that remove blobs without users: one for each row of `rows`, which has their digests as `sha256`, a JSON array. */
export function addDiscardJobs(rows: string): string {
  return addJobs({
    task: discardTask,
    payload: `json_build_object('sha256', sha256)`,
    from: `(${rows}) as orphans`,
    priority: priorities.discard,
  });
}

/** Adds the jobs of messages that were taken back, selected as `channel, message_id, at, tries` by `rows`. */
export function addDeletionJobs(rows: string, { runAt }: { readonly runAt?: string } = {}): string {
  return addJobs({
    task: deletionTask,
    payload: `json_build_object('channel', channel, 'messageId', message_id, 'at', at, 'tries', tries)`,
    from: `(${rows}) as taken_back`,
    key: `'${deletionTask}:' || md5(channel || ' ' || message_id)`,
    priority: priorities.deletion,
    ...(runAt !== undefined && { runAt }),
  });
}

/** Adds the jobs of blobs without previews, selected as `sha256, tries` by `rows`. */
export function addPreviewJobs(rows: string, { runAt }: { readonly runAt: string }): string {
  return addJobs({
    task: previewTask,
    payload: `json_build_object('sha256', sha256, 'tries', tries)`,
    from: `(${rows}) as unseen`,
    key: `'${previewTask}:' || sha256`,
    queue: `'${previewTask}'`,
    runAt,
    priority: priorities.preview,
  });
}

/** Whether the media whose id is `id` (SQL) has a fetch job that will run; for `exists`. */
export function fetchJobOf(id: string): string {
  // A job that had its next one put in place when its process died is never run again.
  return `select from graphile_worker._private_jobs as job join graphile_worker._private_tasks as task on task.id = job.task_id
          where task.identifier = '${fetchTask}' and job.payload ->> 'mediaId' = ${id}::text
            and (job.attempts < job.max_attempts or job.locked_at is not null)`;
}
