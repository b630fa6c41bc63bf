/** Places for requests: how many are worked on at once, in all and for one caller, and who is next when a place becomes free. */

export interface PlaceLimits {
  /** Requests that are worked on at once. */
  readonly working: number;
  /** Requests of one caller that are worked on at once. */
  readonly workingOfOne: number;
  /** Requests that are worked on, wait for their turn, or whose answer is on its way. They bound the memory that requests take. */
  readonly present: number;
  /** The same for one caller. */
  readonly presentOfOne: number;
  /** The longest wait for a place. */
  readonly waitMs: number;
  /** A caller whose requests wait longer has not sent too many: the work is slow. Infinity: the caller decides how long the work takes. */
  readonly slowMs: number;
}

/** Why there is no place: this caller has too many requests, all callers together have, or the work takes longer than it should. */
export type Refusal = 'caller' | 'everybody' | 'slowness';

export interface Visitor {
  /** Called at most once, at once or later: the work may begin. */
  readonly entered: () => void;
  /** Called at most once, in place of `entered`. */
  readonly refused: (by: Refusal) => void;
}

export interface Visit {
  /** The work has ended: its place is for the next request. */
  readonly finished: () => void;
  /** The answer has left, or the caller has. */
  readonly gone: () => void;
}

/** `key` names the caller. */
export interface Places {
  readonly visit: (key: string, visitor: Visitor) => Visit;
}

interface Caller {
  readonly key: string;
  working: number;
  present: number;
  readonly waiting: Set<Waiting>;
}

interface Waiting {
  readonly since: number;
  readonly enter: () => void;
}

/**
 * Callers take turns, so a caller with many waiting requests delays another one by no more than the requests that are worked on.
 */
export function createPlaces(limits: PlaceLimits): Places {
  const callers = new Map<string, Caller>();
  /** Callers with waiting requests, the next one first. */
  const turns = new Set<Caller>();
  let working = 0;
  let present = 0;
  let isCalling = false;

  const hasPlaceFor = (caller: Caller): boolean =>
    working < limits.working && caller.working < limits.workingOfOne;

  const begin = (caller: Caller): void => {
    working += 1;
    caller.working += 1;
  };

  const callAll = (): void => {
    for (const caller of turns) {
      if (working >= limits.working) return;
      if (!hasPlaceFor(caller)) continue;
      const [next] = caller.waiting;
      turns.delete(caller);
      if (!next) continue;
      caller.waiting.delete(next);
      if (caller.waiting.size > 0) turns.add(caller);
      begin(caller);
      next.enter();
    }
  };
  /** A request may have ended when `enter` returns. The loop goes on with the next one then; a call inside the call would fill the stack. */
  const callNext = (): void => {
    if (isCalling) return;
    isCalling = true;
    try {
      callAll();
    } finally {
      isCalling = false;
    }
  };

  const arrive = (key: string): Caller => {
    const caller = callers.get(key) ?? { key, working: 0, present: 0, waiting: new Set() };
    callers.set(key, caller);
    caller.present += 1;
    present += 1;
    return caller;
  };

  const depart = (caller: Caller): void => {
    caller.present -= 1;
    present -= 1;
    if (caller.present === 0) callers.delete(caller.key);
  };

  const finish = (caller: Caller): void => {
    working -= 1;
    caller.working -= 1;
    callNext();
  };

  /** Why a caller with too many requests has that many. */
  const faultOf = ({ waiting }: Caller): Refusal => {
    const [first] = waiting;
    return first && performance.now() - first.since >= limits.slowMs ? 'slowness' : 'caller';
  };

  const wait = (caller: Caller, { entered, refused }: Visitor): { readonly stop: () => boolean } => {
    const waiting: Waiting = {
      since: performance.now(),
      enter: () => {
        clearTimeout(timer);
        entered();
      },
    };
    const stop = (): boolean => {
      clearTimeout(timer);
      if (!caller.waiting.delete(waiting)) return false;
      if (caller.waiting.size === 0) turns.delete(caller);
      return true;
    };
    const timer = setTimeout(() => {
      const by = caller.working >= limits.workingOfOne ? faultOf(caller) : 'everybody';
      if (stop()) refused(by);
    }, limits.waitMs);
    caller.waiting.add(waiting);
    turns.add(caller);
    return { stop };
  };

  const refusalFor = (key: string): Refusal | undefined => {
    const caller = callers.get(key);
    if (caller && caller.present >= limits.presentOfOne) return faultOf(caller);
    return present >= limits.present ? 'everybody' : undefined;
  };

  const visit = (key: string, visitor: Visitor): Visit => {
    const refusal = refusalFor(key);
    if (refusal) {
      visitor.refused(refusal);
      return nothingToEnd;
    }
    const caller = arrive(key);
    let state: 'waiting' | 'working' | 'over' = 'waiting';
    const enter = (): void => {
      state = 'working';
      visitor.entered();
    };
    const refuse = (by: Refusal): void => {
      state = 'over';
      visitor.refused(by);
    };
    let stopWaiting = (): boolean => false;
    const finished = once(() => {
      const before = state;
      state = 'over';
      if (before === 'working') finish(caller);
      else stopWaiting();
    });
    const gone = once(() => {
      finished();
      depart(caller);
    });
    if (caller.waiting.size === 0 && hasPlaceFor(caller)) {
      begin(caller);
      enter();
    } else stopWaiting = wait(caller, { entered: enter, refused: refuse }).stop;
    return { finished, gone };
  };

  return { visit };
}

const nothingToEnd: Visit = { finished: () => undefined, gone: () => undefined };

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}
