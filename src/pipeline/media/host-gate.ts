/**
 * Decides which downloads run. Links are chosen by strangers, so nobody may keep the others waiting: neither a person with many slow
 * hosts, nor a chat, a channel, or the owner of a domain with any number of names.
 *
 * - Each of them has a share of the places. The last places of a channel, for instance, are kept for the other channels.
 * - A download that is not done soon moves to a place for long ones, away from those for new ones. When there is none left, it is
 *   aborted as soon as somebody waits who has fewer downloads.
 * - Of the waiting downloads, the one whose host, site, channel and people have the fewest downloads goes first; then the one whose site
 *   has been the quickest lately, so that unknown hosts do not delay the hosts of providers; then the newest one, since the older ones
 *   had their chance. Few downloads wait here, since each of them keeps a place of the queue: the one that would go last is told when to
 *   come back.
 */
import { AppError } from '../../domain/errors.js';
import { createPlaces, type Guest, type Share } from './places.js';

export interface HostGate {
  /**
   * Runs `task` when there is a place; its signal is aborted when the place is needed for somebody else. Answers `{ comeBackIn }`
   * (milliseconds) without running it when too many wait that go first.
   */
  readonly pass: <T>(wanted: Wanted, task: (signal: AbortSignal) => Promise<T>) => Promise<Passed<T>>;
}

export type Passed<T> = { readonly done: T } | { readonly comeBackIn: number };

/** A download, and with whom it shares its places. */
export interface Wanted {
  /** Its id. A newer one has a greater id. */
  readonly media: string;
  /** With its port. One that hangs is told apart from the others of its site. */
  readonly host: string;
  /** The host, together with all hosts that may have the same owner. */
  readonly site: string;
  readonly channel: string;
  /** The sender, and the chat. */
  readonly people: readonly string[];
  /** Whether the last attempt ended because the host was slow. */
  readonly wasSlow: boolean;
}

export interface HostGateOptions {
  /** Places for new downloads; there are as many again for long ones. */
  readonly total: number;
  /** Of either, those that one site may have. */
  readonly perSite: number;
  /** How many may wait. */
  readonly waiting: number;
  /** A download that takes longer is a long one. */
  readonly soonMs?: number;
}

/** Parts of all places. */
const channelPart = 3 / 4;
const personPart = 1 / 4;
const slowPart = 1 / 8;
const oldPart = 1 / 8;

const usuallySoonMs = 2_000;
const longestWayMs = 30_000;
const shortestWayMs = 250;
/** A download that lasts longer counts as this: how long a host hung says nothing of how fast it is when it wakes. */
const longestCountedMs = 1_000;

interface Download extends Guest {
  readonly media: string;
  readonly site: string;
  readonly abort: AbortController;
  /** Hears whether it may run. */
  readonly admit: (mayRun: boolean) => void;
  isLong: boolean;
}

/** A download that waits, and what its turn depends on beside its age. */
interface Ranked {
  readonly download: Download;
  readonly weight: number;
  readonly lasts: number;
}

type ByAge = (one: Pick<Download, 'media'>, other: Pick<Download, 'media'>) => number;

export function createHostGate(options: HostGateOptions): HostGate {
  const { total, perSite, soonMs = usuallySoonMs } = options;
  const fresh = createPlaces<Download>(total);
  const long = createPlaces<Download>(total);
  const waiting = createPlaces<Download>(options.waiting);
  const pace = createPace(perSite);

  const running = ({ shares }: Guest): number =>
    sum(shares, ({ name, most }) => (fresh.held(name) + long.held(name)) / most);
  const crowd = (guest: Guest): number =>
    running(guest) + sum(guest.shares, ({ name, most }) => waiting.held(name) / most);

  /** The waiting downloads, in the order in which they are to run. */
  const ranked = (weightOf: (guest: Guest) => number, byAge: ByAge = newestFirst): readonly Ranked[] =>
    waiting
      .guests()
      .map((download) => ({ download, weight: weightOf(download), lasts: pace.of(download.site) }))
      .sort((one, other) => compareRank(one, other) || byAge(one.download, other.download));
  const inOrder = (byAge?: ByAge): readonly Download[] =>
    ranked(running, byAge).map(({ download }) => download);
  /** The one that would go last, but for the oldest of those that are equal. */
  const last = (): Download | undefined => {
    const all = ranked(crowd);
    const end = all.at(-1);
    if (!end) return undefined;
    const equal = all.filter((one) => compareRank(one, end) === 0);
    const kept = Math.floor(options.waiting * oldPart);
    return (equal.length > kept ? equal.at(-1 - kept) : end)?.download;
  };

  let admitted = 0;
  const admitNext = (): boolean => {
    const isForOldest = (admitted + 1) % (1 / oldPart) === 0;
    const next = inOrder(isForOldest ? oldestFirst : newestFirst).find((one) => fresh.hasRoomFor(one));
    if (!next) return false;
    admitted += 1;
    waiting.remove(next);
    fresh.add(next);
    next.admit(true);
    return true;
  };
  /** Aborts a long download that has kept its place among the new ones, for somebody who waits for this place and has less. */
  const makeRoom = (): boolean => {
    const long = fresh.guests().filter(({ isLong }) => isLong);
    if (long.length === 0) return false;
    for (const one of inOrder()) {
      const wanted = one.shares.filter(({ name, most }) => fresh.held(name) >= most);
      const inTheWay = long.filter(
        (other) => wanted.every(({ name }) => has(other, name)) && running(other) > running(one),
      );
      const heaviest = least(inTheWay, (other) => -running(other));
      if (!heaviest) continue;
      fresh.remove(heaviest);
      heaviest.abort.abort(new AppError('media.timeout', 'The host was slow while others waited'));
      return true;
    }
    return false;
  };
  const settle = (): void => {
    while (admitNext() || makeRoom());
    while (waiting.guests().length > options.waiting) {
      const leaving = last();
      if (!leaving) return;
      waiting.remove(leaving);
      leaving.admit(false);
    }
  };
  const becomeLong = (download: Download): void => {
    download.isLong = true;
    if (long.hasRoomFor(download)) {
      fresh.remove(download);
      long.add(download);
    }
    settle();
  };
  const leave = (download: Download): void => {
    fresh.remove(download);
    long.remove(download);
    settle();
  };

  return {
    pass: async (wanted, task) => {
      const abort = new AbortController();
      const shares = sharesOf(wanted, { total, perSite });
      const { media, site } = wanted;
      const { download, mayRun } = announce({ media, site, shares, abort });
      waiting.add(download);
      settle();
      if (!(await mayRun)) return { comeBackIn: pace.book(wanted.site) };
      const began = performance.now();
      const timer = setTimeout(becomeLong, soonMs, download);
      try {
        return { done: await task(abort.signal) };
      } finally {
        clearTimeout(timer);
        pace.note(wanted.site, performance.now() - began);
        leave(download);
      }
    },
  };
}

function announce(guest: Pick<Download, 'media' | 'site' | 'shares' | 'abort'>): {
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
  { host, site, channel, people, wasSlow }: Wanted,
  { total, perSite }: Pick<HostGateOptions, 'total' | 'perSite'>,
): readonly Share[] {
  const part = (of: number): number => Math.max(1, Math.ceil(total * of));
  return [
    { name: `site ${site}`, most: perSite },
    { name: `host ${host}`, most: perSite },
    { name: `channel ${channel}`, most: part(channelPart) },
    ...people.map((person) => ({ name: `person ${channel} ${person}`, most: part(personPart) })),
    ...(wasSlow ? [{ name: 'slow', most: part(slowPart) }] : []),
  ];
}

interface Pace {
  /** Milliseconds that a download from this site lasts, as far as it is known. */
  readonly of: (site: string) => number;
  /** A download has taken so long. */
  readonly note: (site: string, milliseconds: number) => void;
  /** When somebody who is sent away may come back. */
  readonly book: (site: string) => number;
}

/** How fast sites are: those that are sent away are spread over the time that the site will need for them. */
function createPace(perSite: number): Pace {
  const sites = new Map<string, { averageMs: number; bookedUntil: number }>();
  const use = (name: string): { averageMs: number; bookedUntil: number } => {
    const site = sites.get(name) ?? { averageMs: unknownMs, bookedUntil: 0 };
    // The one that was used last is last: the others are forgotten when there are too many.
    sites.delete(name);
    sites.set(name, site);
    for (const other of sites.keys()) {
      if (sites.size <= mostSites) break;
      sites.delete(other);
    }
    return site;
  };
  return {
    of: (name) => sites.get(name)?.averageMs ?? unknownMs,
    note: (name, milliseconds) => {
      const site = use(name);
      site.averageMs += (Math.min(milliseconds, longestCountedMs) - site.averageMs) / 8;
    },
    book: (name) => {
      const site = use(name);
      const now = Date.now();
      site.bookedUntil = Math.max(site.bookedUntil, now) + site.averageMs / perSite;
      return Math.min(Math.max(site.bookedUntil - now, shortestWayMs), longestWayMs);
    },
  };
}

const mostSites = 1_000;
/** What a download is taken to last before one of its site has ended. */
const unknownMs = 500;

function has({ shares }: Guest, share: string): boolean {
  return shares.some(({ name }) => name === share);
}

function compareRank(one: Ranked, other: Ranked): number {
  return one.weight - other.weight || one.lasts - other.lasts;
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

/** The first one with the least of it. */
function least<T>(items: readonly T[], of: (item: T) => number): T | undefined {
  const [first, ...rest] = items.map((item) => ({ item, weight: of(item) }));
  return first && rest.reduce((best, one) => (one.weight < best.weight ? one : best), first).item;
}
