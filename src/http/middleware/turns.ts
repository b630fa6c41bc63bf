/** Requests that come at the same moment are begun one after the other, so that a burst of them lets others pass. */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { Refusal } from './places.js';

export interface TurnLimits {
  /** Requests that may wait for their turn. */
  readonly most: number;
  /** Requests with the same proof that may wait for their turn. */
  readonly mostOfOne: number;
}

/** Answers a request that is one too many. */
export type Refuse = (by: Refusal, request: IncomingMessage, response: ServerResponse) => void;

/**
 * Begins one request in each turn of the event loop while others wait, and a request at once when none waits. A burst arrives in one
 * turn: without this, hundreds of requests are routed and authenticated in it, and a webhook needs several turns (measured: 4 s behind
 * 2 000 lists). Callers take turns as well, told apart by the proof that they send: it is not verified yet, which is work.
 */
export function inTurns(begin: RequestListener, limits: TurnLimits, refuse: Refuse): RequestListener {
  /** What waits, by proof; the one whose turn it is first. */
  const lines = new Map<string, (() => void)[]>();
  let count = 0;
  let hasBegun = false;

  const takeNext = (): (() => void) | undefined => {
    for (const [proof, line] of lines) {
      const next = line.shift();
      lines.delete(proof);
      if (line.length > 0) lines.set(proof, line);
      count -= 1;
      return next;
    }
    return undefined;
  };
  const beginNext = (next: () => void): void => {
    hasBegun = true;
    setImmediate(endTurn);
    next();
  };
  const endTurn = (): void => {
    hasBegun = false;
    const next = takeNext();
    if (next) beginNext(next);
  };

  return (request, response) => {
    const next = (): void => {
      // A handler would wait for the end of a connection that has ended already.
      if (!request.socket.destroyed) begin(request, response);
    };
    if (!hasBegun) {
      beginNext(next);
      return;
    }
    const proof = request.headers.authorization ?? request.headers.cookie ?? '';
    const line = lines.get(proof) ?? [];
    if (line.length >= limits.mostOfOne) refuse('caller', request, response);
    else if (count >= limits.most) refuse('everybody', request, response);
    else {
      // Bound: a request that waits is not to run in the context of the one before it.
      line.push(AsyncResource.bind(next));
      lines.set(proof, line);
      count += 1;
    }
  };
}
