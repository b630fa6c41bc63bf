import type { TaskList } from 'graphile-worker';
import { z } from 'zod';

import { discardTask, fetchTask, maintainTask, notifyTask, retainTask, sendTask } from '../infra/tasks.js';
import type { Discard } from './discard.js';
import type { FetchJob } from './fetch.js';

const fetchPayload = z.object({ mediaId: z.uuid() });
const notifyPayload = z.object({ subscriptionId: z.uuid() });
const sendPayload = z.object({ channel: z.string() });
const discardPayload = z.object({ sha256: z.array(z.string()) });

/** What the queue runs. */
export function createTaskList(tasks: {
  readonly fetch: (job: FetchJob) => Promise<void>;
  readonly notify: (subscriptionId: string) => Promise<void>;
  readonly send: (channel: string) => Promise<void>;
  readonly maintain: () => Promise<void>;
  readonly discard: Discard;
  readonly retain: () => Promise<void>;
}): TaskList {
  return {
    [fetchTask]: async (payload, { job }) => {
      const { mediaId } = fetchPayload.parse(payload);
      await tasks.fetch({ mediaId, starts: job.attempts });
    },
    [notifyTask]: (payload) => tasks.notify(notifyPayload.parse(payload).subscriptionId),
    [sendTask]: (payload) => tasks.send(sendPayload.parse(payload).channel),
    [maintainTask]: tasks.maintain,
    [discardTask]: (payload) => tasks.discard(discardPayload.parse(payload).sha256),
    [retainTask]: tasks.retain,
  };
}
