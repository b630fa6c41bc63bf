/** Logs faults of this service with their stack, each of them at most once a minute. */
import type { Logger } from './logger.js';
import { createRateLimitedLog } from './rate-limited-log.js';

export type FaultLog = (message: string, error: unknown, context: Readonly<Record<string, unknown>>) => void;

const logIntervalMs = 60_000;

export function createFaultLog(logger: Pick<Logger, 'error'>): FaultLog {
  const isDue = createRateLimitedLog(logIntervalMs);
  return (message, error, about) => {
    if (isDue(`${message}: ${placeOf(error)}`)) logger.error({ ...about, err: error }, message);
  };
}

/**
 * The class of the error and the place where it was thrown. Its message may contain values, so each message
 * would count as a new fault.
 */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frame = error.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? '';
  return `${error.name} ${frame.trim()}`;
}
