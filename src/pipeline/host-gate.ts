/**
 * Bounds how many downloads run at once, in all and for each host, so that a slow host can neither starve the others nor
 * fill the memory. Whoever would have to wait long for a host is told when to come back instead of holding a place.
 */
export interface HostGate {
  /**
   * Runs `task` when there is a place. Answers `{ comeBackIn }` (milliseconds) without running it when too many wait for
   * this host already.
   */
  readonly pass: <T>(
    host: string,
    task: () => Promise<T>,
  ) => Promise<{ readonly done: T } | { readonly comeBackIn: number }>;
}

export interface HostGateOptions {
  readonly total: number;
  readonly perHost: number;
  /** How many may wait in memory for one host. */
  readonly waitingPerHost: number;
}

interface Host {
  running: number;
  readonly waiting: (() => void)[];
  /** Moving average of a download's duration, as far as it counts. */
  averageMs: number;
  /** The moment the last one that was sent away may come back. */
  bookedUntil: number;
}

const longestWayMs = 30_000;
const shortestWayMs = 250;
/** A download that lasts longer counts as this: how long a host hung says nothing of how fast it is when it wakes. */
const longestCountedMs = 1_000;

export function createHostGate({ total, perHost, waitingPerHost }: HostGateOptions): HostGate {
  const hosts = new Map<string, Host>();
  const waitingForAny: (() => void)[] = [];
  let running = 0;

  const enter = async (host: Host): Promise<void> => {
    if (host.running >= perHost) await new Promise<void>((go) => host.waiting.push(go));
    else host.running += 1;
    if (running >= total) await new Promise<void>((go) => waitingForAny.push(go));
    else running += 1;
  };
  /** A place is handed on, not given back and taken again: nobody can slip in between. */
  const leave = (name: string, host: Host): void => {
    const nextForHost = host.waiting.shift();
    if (nextForHost) nextForHost();
    else host.running -= 1;
    const nextForAny = waitingForAny.shift();
    if (nextForAny) nextForAny();
    else running -= 1;
    if (host.running === 0 && host.bookedUntil < Date.now()) hosts.delete(name);
  };
  /** Spreads those that are sent away over the time the host will need for them. */
  const book = (host: Host): number => {
    const now = Date.now();
    host.bookedUntil = Math.max(host.bookedUntil, now) + host.averageMs / perHost;
    return Math.min(Math.max(host.bookedUntil - now, shortestWayMs), longestWayMs);
  };

  return {
    pass: async (name, task) => {
      const host = hosts.get(name) ?? { running: 0, waiting: [], averageMs: 500, bookedUntil: 0 };
      hosts.set(name, host);
      if (host.waiting.length >= waitingPerHost) return { comeBackIn: book(host) };
      await enter(host);
      const started = performance.now();
      try {
        return { done: await task() };
      } finally {
        host.averageMs += (Math.min(performance.now() - started, longestCountedMs) - host.averageMs) / 8;
        leave(name, host);
      }
    },
  };
}
