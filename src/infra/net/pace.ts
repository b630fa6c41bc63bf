/**
 * How fast a download has to be. One that hardly moves holds a place that others wait for, and is given up early; one that goes on,
 * as over a bad mobile line, may take as long as its size needs.
 */
import { AppError } from '../../domain/errors.js';
import type { Deadline } from '../process/deadline.js';

/** Headers are waited for so long, the name lookup and redirects included. */
const headersWithinMs = 15_000;
/** Looked at every so often; the first time is the grace for a slow start. */
const windowMs = 5_000;
/** Bytes a second that a download must have had in each window. */
const leastRate = 1_024;
/** With so many bytes a second, a download goes on after its time: a line of 20 KB/s carries a large file as well. */
const goodRate = 8_192;
/** For the next look, on a machine that is late. */
const slackMs = 1_000;

/** Watches over one download, from its start. */
export interface Pace {
  /** The headers are there. */
  readonly begin: () => void;
  /** So many plain bytes have come: what is sent, but decompresses to next to nothing, is slow as well. */
  readonly note: (bytes: number) => void;
  readonly end: () => void;
}

/** For what has no body. */
export const anyPace: Pace = { begin: () => undefined, note: () => undefined, end: () => undefined };

/** Calls `giveUp` with the error when the download is too slow. */
export function watchPace(giveUp: (error: AppError) => void, deadline: Pick<Deadline, 'notBefore'>): Pace {
  let timer: NodeJS.Timeout = setTimeout(() => {
    giveUp(new AppError('media.timeout', `No answer within ${String(headersWithinMs / 1_000)} s`));
  }, headersWithinMs);
  let inWindow = 0;
  const look = (): void => {
    if (inWindow < (leastRate * windowMs) / 1_000) {
      clearInterval(timer);
      giveUp(new AppError('media.timeout', `Less than ${String(leastRate)} bytes a second`));
    }
    if (inWindow >= (goodRate * windowMs) / 1_000) deadline.notBefore(windowMs + slackMs);
    inWindow = 0;
  };
  return {
    begin: () => {
      clearTimeout(timer);
      timer = setInterval(look, windowMs);
    },
    note: (bytes) => {
      inWindow += bytes;
    },
    end: () => {
      clearTimeout(timer);
    },
  };
}
