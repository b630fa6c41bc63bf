/** Starts simultaneous requests one after another, so that a burst does not delay other work. */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { Refusal } from './places.js';

export interface TurnLimits {
  /** The number of requests that may wait for their turn. */
  readonly max: number;
  /** The same for requests with the same credentials. */
  readonly maxPerCaller: number;
}

/** Responds to a request that cannot wait. */
export type Refuse = (by: Refusal, request: IncomingMessage, response: ServerResponse) => void;

/**
 * So long requests are begun in a turn, in milliseconds: some ten whose answer is small, or one that is work.
 */
const turnMs = 0.5;

/**
 * Starts a few requests in each turn of the event loop while others wait, and a request immediately if none
 * waits. A burst arrives in one turn: without this limit, hundreds of requests are routed and authenticated
 * in it, while a webhook needs several turns (measured: 4 s behind 2 000 lists). Callers take turns as well.
 * They are distinguished by their credentials, which are not verified yet, because that is work.
 */
export function inTurns(begin: RequestListener, limits: TurnLimits, refuse: Refuse): RequestListener {
  /** The waiting requests by credentials, in the order of the turns. */
  const lines = new Map<string, (() => void)[]>();
  let count = 0;
  let hasBegun = false;

  const takeNext = (): (() => void) | undefined => {
    for (const [credentials, line] of lines) {
      const next = line.shift();
      lines.delete(credentials);
      if (line.length > 0) lines.set(credentials, line);
      count -= 1;
      return next;
    }
    return undefined;
  };
  const beginNext = (next: () => void): void => {
    hasBegun = true;
    setImmediate(endTurn);
    const since = performance.now();
    next();
    while (count > 0 && performance.now() - since < turnMs) takeNext()?.();
  };
  const endTurn = (): void => {
    hasBegun = false;
    const next = takeNext();
    if (next) beginNext(next);
  };

  return (request, response) => {
    const next = (): void => {
      // A handler would wait forever for the end of a connection that has already ended.
      if (!request.socket.destroyed) begin(request, response);
    };
    if (!hasBegun) {
      beginNext(next);
      return;
    }
    const credentials = request.headers.authorization ?? request.headers.cookie ?? '';
    const line = lines.get(credentials) ?? [];
    if (line.length >= limits.maxPerCaller) refuse('caller', request, response);
    else if (count >= limits.max) refuse('everybody', request, response);
    else {
      // A waiting request does not run in the context of the request before it.
      const context = new AsyncResource('InletRequest');
      line.push(() => {
        context.runInAsyncScope(next);
      });
      lines.set(credentials, line);
      count += 1;
    }
  };
}
