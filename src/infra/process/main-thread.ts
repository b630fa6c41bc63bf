/** What the thread that answers is doing. */
import { performance } from 'node:perf_hooks';

const windowMs = 250;
/** Pictures alone keep it busy for a quarter of the time, a thousand webhooks a second for more than half. */
const busyShare = 0.4;

/** Tells whether the thread that answers had little to do lately. */
export function watchMainThread(): () => boolean {
  let since = performance.eventLoopUtilization();
  let isIdle = true;
  return () => {
    const { idle, active, utilization } = performance.eventLoopUtilization(since);
    if (idle + active >= windowMs) {
      isIdle = utilization < busyShare;
      since = performance.eventLoopUtilization();
    }
    return isIdle;
  };
}
