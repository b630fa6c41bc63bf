/**
 * Decides which downloads may run. Links are chosen by strangers, so none of the following may delay the
 * others: a person with many slow hosts, a chat, a channel, or the owner of a domain with any number of
 * names.
 *
 * - Each of them has a limited share of the places. For example, a channel cannot occupy the places reserved
 *   for other channels.
 * - A download that takes long moves to a separate set of places for long downloads. If none is free, it is
 *   aborted as soon as a waiting download has fewer running downloads beside it.
 * - Among the waiting downloads, the one whose host, site, channel and people have the fewest running
 *   downloads starts first; among equals, the one whose site was fastest recently, so that unknown hosts do
 *   not delay the hosts of providers; then the newest, because the older ones already had their chance. Only
 *   a few downloads wait here, because each occupies a place in the queue: the lowest-ranked one is postponed
 *   for a given time.
 */
import { AppError } from '../../domain/errors.js';
import { createPlaces, type Occupant, type Places, type Share } from './places.js';

export interface HostGate {
  /**
   * Runs `task` when a place is free and aborts its signal when another download needs the place. Returns `{
   * retryInMs }` without running the task if too many higher-ranked downloads are waiting.
   */
  readonly pass: <T>(
    request: DownloadRequest,
    task: (signal: AbortSignal) => Promise<T>,
  ) => Promise<Passed<T>>;
}

export type Passed<T> = { readonly done: T } | { readonly retryInMs: number };

/** A download and everything that shares its places. */
export interface DownloadRequest {
  /** The id of the media item. Newer items have greater ids. */
  readonly media: string;
  /** The host with its port. A host that hangs is limited separately from the rest of its site. */
  readonly host: string;
  /** The host together with all hosts that may have the same owner. */
  readonly site: string;
  readonly channel: string;
  /** The sender and the chat. */
  readonly people: readonly string[];
  /** Whether the last attempt failed because the host was slow. */
  readonly wasSlow: boolean;
}

export interface HostGateOptions {
  /** The number of places for new downloads, and again for long downloads. */
  readonly total: number;
  /** The largest number of places of each kind for one site. */
  readonly maxPerSite: number;
  /** The largest number of waiting downloads. */
  readonly maxWaiting: number;
  /** A download that takes longer than this counts as long. */
  readonly longAfterMs?: number;
}

/** Fractions of all places. */
const channelFraction = 3 / 4;
const personFraction = 1 / 4;
const slowFraction = 1 / 8;
const oldestFraction = 1 / 8;

const defaultLongAfterMs = 2_000;
const maxRetryMs = 30_000;
const minRetryMs = 250;
/** Longer downloads count as this: how long a host hung says nothing about its speed when it works again. */
const maxCountedMs = 1_000;

interface Download extends Occupant {
  readonly media: string;
  readonly site: string;
  readonly abort: AbortController;
  /** Tells the waiting caller whether its download may run. */
  readonly admit: (mayRun: boolean) => void;
  isLong: boolean;
}

/** A waiting download and the criteria for its turn, except its age. */
interface Ranked {
  readonly download: Download;
  readonly weight: number;
  readonly expectedMs: number;
}

type ByAge = (one: Pick<Download, 'media'>, other: Pick<Download, 'media'>) => number;

export function createHostGate(options: HostGateOptions): HostGate {
  const { total, maxPerSite, longAfterMs = defaultLongAfterMs } = options;
  const downloads: Downloads = {
    fresh: createPlaces(total),
    long: createPlaces(total),
    waiting: createPlaces(options.maxWaiting),
    pace: createPace(maxPerSite),
  };
  const { fresh, long, waiting, pace } = downloads;
  const settle = createSettlement(downloads, options);
  const becomeLong = (download: Download): void => {
    download.isLong = true;
    if (long.hasRoomFor(download)) {
      fresh.remove(download);
      long.add(download);
    }
    settle();
  };
  const finish = (download: Download): void => {
    fresh.remove(download);
    long.remove(download);
    settle();
  };
  return {
    pass: async (request, task) => {
      const abort = new AbortController();
      const shares = sharesOf(request, { total, maxPerSite });
      const { media, site } = request;
      const { download, mayRun } = createDownload({ media, site, shares, abort });
      waiting.add(download);
      settle();
      if (!(await mayRun)) return { retryInMs: pace.reserveRetry(request.site) };
      const began = performance.now();
      const timer = setTimeout(becomeLong, longAfterMs, download);
      try {
        return { done: await task(abort.signal) };
      } finally {
        clearTimeout(timer);
        pace.record(request.site, performance.now() - began);
        finish(download);
      }
    },
  };
}

/** Running and waiting downloads. */
interface Downloads {
  readonly fresh: Places<Download>;
  /** Downloads that have places of their own, because they take long. */
  readonly long: Places<Download>;
  readonly waiting: Places<Download>;
  readonly pace: Pace;
}

/** The order of waiting downloads. */
interface Order {
  /** The number of running downloads that share something with this one, as parts of what is allowed. */
  readonly running: (guest: Occupant) => number;
  /** The waiting downloads in the order in which they should run. */
  readonly inOrder: (byAge?: ByAge) => readonly Download[];
  /** The download with the lowest rank. The oldest among equals are kept, up to a reserved number. */
  readonly lowestRanked: () => Download | undefined;
}

function createOrder({ fresh, long, waiting, pace }: Downloads, maxWaiting: number): Order {
  const running = ({ shares }: Occupant): number =>
    sum(shares, ({ name, max }) => (fresh.countOf(name) + long.countOf(name)) / max);
  const load = (guest: Occupant): number =>
    running(guest) + sum(guest.shares, ({ name, max }) => waiting.countOf(name) / max);
  const ranked = (weightOf: (guest: Occupant) => number, byAge: ByAge = newestFirst): readonly Ranked[] =>
    waiting
      .occupants()
      .map((download) => ({
        download,
        weight: weightOf(download),
        expectedMs: pace.averageMs(download.site),
      }))
      .sort((one, other) => compareRank(one, other) || byAge(one.download, other.download));
  return {
    running,
    inOrder: (byAge) => ranked(running, byAge).map(({ download }) => download),
    lowestRanked: () => {
      const all = ranked(load);
      const end = all.at(-1);
      if (!end) return undefined;
      const equal = all.filter((one) => compareRank(one, end) === 0);
      const reserved = Math.floor(maxWaiting * oldestFraction);
      return (equal.length > reserved ? equal.at(-1 - reserved) : end)?.download;
    },
  };
}

/**
 * Returns a function that admits waiting downloads as long as there is room, and evicts those that are too
 * many.
 */
function createSettlement(downloads: Downloads, { maxWaiting }: HostGateOptions): () => void {
  const { fresh, waiting } = downloads;
  const order = createOrder(downloads, maxWaiting);
  let admitted = 0;
  const admitNext = (): boolean => {
    const isForOldest = (admitted + 1) % (1 / oldestFraction) === 0;
    const next = order.inOrder(isForOldest ? oldestFirst : newestFirst).find((one) => fresh.hasRoomFor(one));
    if (!next) return false;
    admitted += 1;
    waiting.remove(next);
    fresh.add(next);
    next.admit(true);
    return true;
  };
  return () => {
    while (admitNext() || makeRoom(fresh, order));
    while (waiting.occupants().length > maxWaiting) {
      const evicted = order.lowestRanked();
      if (!evicted) return;
      waiting.remove(evicted);
      evicted.admit(false);
    }
  };
}

/**
 * Aborts a long download that still occupies a place for new downloads, in favour of a waiting download that
 * needs this place and has fewer running downloads. Returns whether it did.
 */
function makeRoom(fresh: Places<Download>, { inOrder, running }: Order): boolean {
  const long = fresh.occupants().filter(({ isLong }) => isLong);
  if (long.length === 0) return false;
  for (const one of inOrder()) {
    const fullShares = one.shares.filter(({ name, max }) => fresh.countOf(name) >= max);
    const candidates = long.filter(
      (other) => fullShares.every(({ name }) => hasShare(other, name)) && running(other) > running(one),
    );
    const heaviest = minBy(candidates, (other) => -running(other));
    if (!heaviest) continue;
    fresh.remove(heaviest);
    heaviest.abort.abort(
      new AppError('media.timeout', 'the download was slow and other downloads were waiting'),
    );
    return true;
  }
  return false;
}

function createDownload(guest: Pick<Download, 'media' | 'site' | 'shares' | 'abort'>): {
  readonly download: Download;
  readonly mayRun: Promise<boolean>;
} {
  const { promise, resolve } = withResolvers<boolean>();
  return { download: { ...guest, admit: resolve, isLong: false }, mayRun: promise };
}

function withResolvers<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settled) => {
    resolve = settled;
  });
  return { promise, resolve };
}

function sharesOf(
  { host, site, channel, people, wasSlow }: DownloadRequest,
  { total, maxPerSite }: Pick<HostGateOptions, 'total' | 'maxPerSite'>,
): readonly Share[] {
  const part = (of: number): number => Math.max(1, Math.ceil(total * of));
  return [
    { name: `site ${site}`, max: maxPerSite },
    { name: `host ${host}`, max: maxPerSite },
    { name: `channel ${channel}`, max: part(channelFraction) },
    ...people.map((person) => ({ name: `person ${channel} ${person}`, max: part(personFraction) })),
    ...(wasSlow ? [{ name: 'slow', max: part(slowFraction) }] : []),
  ];
}

interface Pace {
  /** The average duration of downloads from this site, in milliseconds, as far as it is known. */
  readonly averageMs: (site: string) => number;
  /** Records the duration of a download. */
  readonly record: (site: string, milliseconds: number) => void;
  /** Reserves a time for a postponed download and returns the milliseconds until then. */
  readonly reserveRetry: (site: string) => number;
}

/**
 * Measures the speed of sites, and spreads postponed downloads over the time that the site needs for them.
 */
function createPace(maxPerSite: number): Pace {
  const sites = new Map<string, { averageMs: number; bookedUntil: number }>();
  const use = (name: string): { averageMs: number; bookedUntil: number } => {
    const site = sites.get(name) ?? { averageMs: defaultAverageMs, bookedUntil: 0 };
    // The most recently used site moves to the end; the least recently used ones are forgotten when there are
    // too many.
    sites.delete(name);
    sites.set(name, site);
    for (const other of sites.keys()) {
      if (sites.size <= maxSites) break;
      sites.delete(other);
    }
    return site;
  };
  return {
    averageMs: (name) => sites.get(name)?.averageMs ?? defaultAverageMs,
    record: (name, milliseconds) => {
      const site = use(name);
      site.averageMs += (Math.min(milliseconds, maxCountedMs) - site.averageMs) / 8;
    },
    reserveRetry: (name) => {
      const site = use(name);
      const now = Date.now();
      site.bookedUntil = Math.max(site.bookedUntil, now) + site.averageMs / maxPerSite;
      return Math.min(Math.max(site.bookedUntil - now, minRetryMs), maxRetryMs);
    },
  };
}

const maxSites = 1_000;
/** The assumed duration before the first download from a site has ended. */
const defaultAverageMs = 500;

function hasShare({ shares }: Occupant, share: string): boolean {
  return shares.some(({ name }) => name === share);
}

function compareRank(one: Ranked, other: Ranked): number {
  return one.weight - other.weight || one.expectedMs - other.expectedMs;
}

function oldestFirst(one: Pick<Download, 'media'>, other: Pick<Download, 'media'>): number {
  return newestFirst(other, one);
}

function newestFirst(one: Pick<Download, 'media'>, other: Pick<Download, 'media'>): number {
  return Number(one.media < other.media) - Number(one.media > other.media);
}

function sum(shares: readonly Share[], of: (share: Share) => number): number {
  return shares.reduce((total, share) => total + of(share), 0);
}

/** Returns the first item with the smallest value. */
function minBy<T>(items: readonly T[], of: (item: T) => number): T | undefined {
  const [first, ...rest] = items.map((item) => ({ item, weight: of(item) }));
  return first && rest.reduce((best, one) => (one.weight < best.weight ? one : best), first).item;
}
