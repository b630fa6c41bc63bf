import type { TaskList } from 'graphile-worker';
import { z } from 'zod';

import { fetchTask, maintainTask } from '../infra/tasks.js';
import type { FetchJob } from './fetch.js';

const fetchPayload = z.object({ mediaId: z.uuid() });

/** What the queue runs. */
export function createTaskList(tasks: {
  readonly fetch: (job: FetchJob) => Promise<void>;
  readonly maintain: () => Promise<void>;
}): TaskList {
  return {
    [fetchTask]: async (payload, { job }) => {
      const { mediaId } = fetchPayload.parse(payload);
      await tasks.fetch({ mediaId, starts: job.attempts });
    },
    [maintainTask]: tasks.maintain,
  };
}
