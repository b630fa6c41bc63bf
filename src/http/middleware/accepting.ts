/**
 * Lets connections be accepted before work that takes milliseconds. libuv accepts one connection in each turn of
 * the event loop (since 1.45, libuv#3696): behind a crowd of connections, a webhook waits for as many turns as
 * there are connections before its own, and each turn takes as long as the lists that are answered in it
 * (measured: 2 s behind 2 000 connections in a process that has just started).
 */
import { subscribe } from 'node:diagnostics_channel';

/** The longest time for which work is put off, in milliseconds, so that nobody can stop it with connections. */
const longestMs = 50;

export interface Accepting {
  /**
   * Runs the work at once, or, while connections are accepted, after the first turn without a new one. Work
   * that was put off runs in its order, once in each turn.
   */
  readonly afterwards: (work: () => void) => void;
}

export interface AcceptingOptions {
  /** Calls the listener with each connection that is accepted. By default, those of the whole process. */
  readonly onConnection?: (accepted: () => void) => void;
  /** Returns the time in milliseconds; it never goes back. */
  readonly clock?: () => number;
}

export function watchAccepting({
  onConnection = onAnyConnection,
  clock = () => performance.now(),
}: AcceptingOptions = {}): Accepting {
  /** Since when work is put off; undefined if the last turn has accepted no connection. */
  let since: number | undefined;
  let hasAccepted = false;
  const waiting: (() => void)[] = [];
  /** How much of the waiting work has waited long enough. */
  let released = 0;

  const endTurn = (): void => {
    if (released === 0) {
      if (hasAccepted && since !== undefined && clock() - since < longestMs) {
        hasAccepted = false;
        setImmediate(endTurn);
        return;
      }
      released = waiting.length;
      since = clock();
    }
    // One in each turn, as requests arrive: limits that count asynchronously mistake a crowd for one request.
    const work = waiting.shift();
    released = Math.max(0, released - 1);
    // The next turn is certain before the work begins, which may throw.
    if (work || hasAccepted) setImmediate(endTurn);
    else since = undefined;
    work?.();
  };
  onConnection(() => {
    hasAccepted = true;
    if (since !== undefined) return;
    since = clock();
    setImmediate(endTurn);
  });
  return {
    afterwards: (work) => {
      if (since === undefined) work();
      else waiting.push(work);
    },
  };
}

function onAnyConnection(accepted: () => void): void {
  subscribe('net.server.socket', accepted);
}
