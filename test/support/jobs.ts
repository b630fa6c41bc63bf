/** Jobs that tests add to the queue themselves. */
import { jobsChannel } from '../../src/infra/queue/tasks.js';
import type { TestDatabase } from './test-database.js';
import { until } from './until.js';

/** Adds jobs without a payload and announces them, as the service does with its own: they run at once. */
export async function addJobs(database: TestDatabase, task: string, count = 1): Promise<void> {
  await database.query(
    `select graphile_worker.add_job($1), pg_notify($2, $1) from generate_series(1, $3::int)`,
    [task, jobsChannel, count],
  );
}

/** Adds jobs and waits until no job of this task is left. */
export async function runJobs(database: TestDatabase, task: string, count = 1): Promise<void> {
  await addJobs(database, task, count);
  const waiting = `select 1 from graphile_worker._private_jobs job
    join graphile_worker._private_tasks task on task.id = job.task_id where task.identifier = $1`;
  await until(async () => (await database.query(waiting, [task])).length === 0);
}
