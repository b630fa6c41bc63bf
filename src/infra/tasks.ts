/** Names of the queue's tasks and what they are handed; in one place, since SQL adds jobs as well as code. */

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

/** Every hour: removes what is older than it is to be kept. */
export const retainTask = 'retain';

/** Every minute: looks for what was left behind. */
export const maintainTask = 'maintain';

/**
 * Locking a job counts as an attempt for the queue, also when the process is killed the next moment. When to give up on
 * a picture is our own decision, so the queue's limit must never be the one that is reached.
 */
export const maxJobAttempts = 32_767;
