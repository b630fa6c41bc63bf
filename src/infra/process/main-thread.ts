/** Measures how busy the main thread is, which answers requests. */
import { performance } from 'node:perf_hooks';

const windowMs = 250;
/**
 * Pictures alone keep the thread busy for a quarter of the time, a thousand webhooks a second for more than
 * half.
 */
const busyShare = 0.4;

/** Returns a function that says whether the main thread had little to do recently. */
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
