/** Faults of this service in the log: with their stack, and each of them once a minute, however often it shows. */
import type { Logger } from './logger.js';
import { createSeldom } from './seldom.js';

export type FaultLog = (message: string, error: unknown, about: Readonly<Record<string, unknown>>) => void;

const repeatMs = 60_000;

export function createFaultLog(logger: Pick<Logger, 'error'>): FaultLog {
  const isDue = createSeldom(repeatMs);
  return (message, error, about) => {
    if (isDue(`${message}: ${placeOf(error)}`)) logger.error({ ...about, err: error }, message);
  };
}

/** The class of the error and where it arose. Its message may hold values, which would make a new fault of each of them. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frame = error.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? '';
  return `${error.name} ${frame.trim()}`;
}
