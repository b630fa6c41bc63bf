/**
 * Enforces a minimum speed. A download that hardly moves occupies a place that others wait for, so it is
 * aborted early; one that makes progress, as over a slow mobile line, may take as long as its size requires.
 */
import { AppError } from '../../domain/errors.js';
import type { Deadline } from '../process/deadline.js';

/** Timeout for the headers, including the name lookup and redirects. */
const headersTimeoutMs = 15_000;
/** The interval of the checks. The first one also serves as grace for a slow start. */
const windowMs = 5_000;
/** The minimum of bytes per second in each interval. */
const minBytesPerSecond = 1_024;
/** At this rate, a download may exceed its timeout: a line of 20 KB/s can also deliver a large file. */
const extensionBytesPerSecond = 8_192;
/** Tolerance for the next check on a busy machine. */
const toleranceMs = 1_000;

/** Monitors one download from its start. */
export interface Pace {
  /** Called when the headers have arrived. */
  readonly bodyStarted: () => void;
  /** Counts decoded bytes: a stream that decompresses to next to nothing is slow as well. */
  readonly received: (bytes: number) => void;
  readonly end: () => void;
}

/** Applies no limit, for requests without a body. */
export const unlimitedPace: Pace = {
  bodyStarted: () => undefined,
  received: () => undefined,
  end: () => undefined,
};

/** Calls `abort` with the error when the download is too slow. */
export function watchPace(abort: (error: AppError) => void, deadline: Pick<Deadline, 'notBefore'>): Pace {
  let timer: NodeJS.Timeout = setTimeout(() => {
    abort(new AppError('media.timeout', `no response within ${String(headersTimeoutMs / 1_000)} s`));
  }, headersTimeoutMs);
  let bytesInWindow = 0;
  const checkWindow = (): void => {
    if (bytesInWindow < (minBytesPerSecond * windowMs) / 1_000) {
      clearInterval(timer);
      abort(new AppError('media.timeout', `slower than ${String(minBytesPerSecond)} bytes per second`));
    }
    if (bytesInWindow >= (extensionBytesPerSecond * windowMs) / 1_000)
      deadline.notBefore(windowMs + toleranceMs);
    bytesInWindow = 0;
  };
  return {
    bodyStarted: () => {
      clearTimeout(timer);
      timer = setInterval(checkWindow, windowMs);
    },
    received: (bytes) => {
      bytesInWindow += bytes;
    },
    end: () => {
      clearTimeout(timer);
    },
  };
}
