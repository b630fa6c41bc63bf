/**
 * Places for requests: how many are processed at once, in total and for one caller, and which waiting request
 * is next.
 */

export interface PlaceLimits {
  /** Requests that are processed at once. */
  readonly working: number;
  /** Requests of one caller that are processed at once. */
  readonly workingOfOne: number;
  /**
   * Requests that are processed, that wait for their turn, or whose response is being sent. Bounds the memory
   * that requests occupy.
   */
  readonly present: number;
  /** The same for one caller. */
  readonly presentOfOne: number;
  /** The longest wait for a place, in milliseconds. */
  readonly waitMs: number;
  /**
   * If the requests of a caller wait longer than this, in milliseconds, the caller has not sent too many: the
   * work is slow. Infinity: the caller decides how long the work takes.
   */
  readonly slowMs: number;
}

/**
 * Why there is no place: this caller has too many requests, all callers together have too many, or the work
 * takes longer than it should.
 */
export type Refusal = 'caller' | 'everybody' | 'slowness';

export interface Visitor {
  /** Called at most once, immediately or later: the work may begin. */
  readonly entered: () => void;
  /** Called at most once, instead of `entered`. */
  readonly refused: (by: Refusal) => void;
}

export interface Visit {
  /** The work has ended, so its place is free for the next request. */
  readonly finished: () => void;
  /** The response was sent, or the caller has disconnected. */
  readonly gone: () => void;
}

export interface Places {
  /** Requests a place for a request of the caller with this key. */
  readonly visit: (key: string, visitor: Visitor) => Visit;
}

/**
 * Callers take turns, so a caller with many waiting requests delays another caller by no more than the
 * requests that are being processed.
 */
export function createPlaces(limits: PlaceLimits): Places {
  const room: Room = {
    limits,
    callers: new Map(),
    turns: new Set(),
    working: 0,
    present: 0,
    isStarting: false,
  };
  return {
    visit: (key, visitor) => {
      const refusal = refusalFor(room, key);
      if (refusal === undefined) return startVisit(room, key, visitor);
      visitor.refused(refusal);
      return nothingToEnd;
    },
  };
}

interface Caller {
  readonly key: string;
  working: number;
  present: number;
  readonly waiting: Set<WaitingRequest>;
}

interface WaitingRequest {
  readonly since: number;
  readonly enter: () => void;
}

/** All requests that are present now. */
interface Room {
  readonly limits: PlaceLimits;
  readonly callers: Map<string, Caller>;
  /** The callers with waiting requests, in the order of their turns. */
  readonly turns: Set<Caller>;
  working: number;
  present: number;
  /** Whether {@link startWaiting} is running. */
  isStarting: boolean;
}

function refusalFor({ limits, callers, present }: Room, key: string): Refusal | undefined {
  const caller = callers.get(key);
  if (caller && caller.present >= limits.presentOfOne) return causeOfQueue(limits, caller);
  return present >= limits.present ? 'everybody' : undefined;
}

/** Why a caller with too many requests has that many. */
function causeOfQueue({ slowMs }: PlaceLimits, { waiting }: Caller): Refusal {
  const [first] = waiting;
  return first && performance.now() - first.since >= slowMs ? 'slowness' : 'caller';
}

function startVisit(room: Room, key: string, visitor: Visitor): Visit {
  const caller = arrive(room, key);
  let state: 'waiting' | 'working' | 'over' = 'waiting';
  let stopWaiting = (): void => undefined;
  const enter = (): void => {
    state = 'working';
    visitor.entered();
  };
  const refuse = (by: Refusal): void => {
    state = 'over';
    visitor.refused(by);
  };
  const finished = once(() => {
    const before = state;
    state = 'over';
    if (before === 'working') finish(room, caller);
    else stopWaiting();
  });
  const gone = once(() => {
    finished();
    depart(room, caller);
  });
  if (caller.waiting.size === 0 && hasPlaceFor(room, caller)) {
    begin(room, caller);
    enter();
  } else stopWaiting = wait(room, caller, { entered: enter, refused: refuse });
  return { finished, gone };
}

function arrive(room: Room, key: string): Caller {
  const caller = room.callers.get(key) ?? { key, working: 0, present: 0, waiting: new Set() };
  room.callers.set(key, caller);
  caller.present += 1;
  room.present += 1;
  return caller;
}

function depart(room: Room, caller: Caller): void {
  caller.present -= 1;
  room.present -= 1;
  if (caller.present === 0) room.callers.delete(caller.key);
}

function hasPlaceFor({ limits, working }: Room, caller: Caller): boolean {
  return working < limits.working && caller.working < limits.workingOfOne;
}

function begin(room: Room, caller: Caller): void {
  room.working += 1;
  caller.working += 1;
}

function finish(room: Room, caller: Caller): void {
  room.working -= 1;
  caller.working -= 1;
  // `enter` may end a request before it returns. The running loop then continues with the next one, because a
  // nested call would fill the stack.
  if (room.isStarting) return;
  room.isStarting = true;
  try {
    startWaiting(room);
  } finally {
    room.isStarting = false;
  }
}

/** Starts waiting requests while there are places, one for each caller in turn. */
function startWaiting(room: Room): void {
  const { limits, turns } = room;
  for (const caller of turns) {
    if (room.working >= limits.working) return;
    if (!hasPlaceFor(room, caller)) continue;
    const [next] = caller.waiting;
    turns.delete(caller);
    if (!next) continue;
    caller.waiting.delete(next);
    if (caller.waiting.size > 0) turns.add(caller);
    begin(room, caller);
    next.enter();
  }
}

/** Waits until the visitor enters or the time is over, and returns a function that stops the waiting. */
function wait({ limits, turns }: Room, caller: Caller, { entered, refused }: Visitor): () => void {
  const request: WaitingRequest = {
    since: performance.now(),
    enter: () => {
      clearTimeout(timer);
      entered();
    },
  };
  const leaveQueue = (): boolean => {
    clearTimeout(timer);
    if (!caller.waiting.delete(request)) return false;
    if (caller.waiting.size === 0) turns.delete(caller);
    return true;
  };
  const timer = setTimeout(() => {
    const by = caller.working >= limits.workingOfOne ? causeOfQueue(limits, caller) : 'everybody';
    if (leaveQueue()) refused(by);
  }, limits.waitMs);
  caller.waiting.add(request);
  turns.add(caller);
  return leaveQueue;
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
