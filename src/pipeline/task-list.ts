import type { TaskList } from 'graphile-worker';
import { z } from 'zod';

import {
  deletionTask,
  discardTask,
  fetchTask,
  maintainTask,
  notifyTask,
  previewTask,
  retainTask,
  sendTask,
} from '../infra/queue/tasks.js';
import type { TakeBack } from './housekeeping/take-back.js';
import type { Discard } from './media/discard.js';
import type { FetchJob } from './media/fetch.js';
import type { LatePreviews } from './media/late-previews.js';

const fetchPayload = z.object({ mediaId: z.uuid() });
const notifyPayload = z.object({ subscriptionId: z.uuid() });
const sendPayload = z.object({ channel: z.string() });
const deletionPayload = z.object({
  channel: z.string(),
  messageId: z.string(),
  at: z.iso.datetime(),
  tries: z.int(),
});
const previewPayload = z.object({ sha256: z.string(), tries: z.int() });
const discardPayload = z.object({ sha256: z.array(z.string()) });

/** Maps the tasks of the queue to the use cases. */
export function createTaskList(tasks: {
  readonly fetch: (job: FetchJob) => Promise<void>;
  readonly notify: (subscriptionId: string) => Promise<void>;
  readonly send: (channel: string) => Promise<void>;
  readonly maintain: () => Promise<void>;
  readonly discard: Discard;
  readonly takeBack: TakeBack;
  readonly previewLate: LatePreviews;
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
    [deletionTask]: (payload) => {
      const { tries, ...deletion } = deletionPayload.parse(payload);
      return tasks.takeBack(deletion, tries);
    },
    [previewTask]: (payload) => {
      const { sha256, tries } = previewPayload.parse(payload);
      return tasks.previewLate(sha256, tries);
    },
    [retainTask]: tasks.retain,
  };
}
