/** Computes the figures of the overview from the counts of each day and channel. */
import type { StatsView } from '../api.js';

type Day = StatsView['byDay'][number];

export interface Sums {
  /** Every day of the period, also without media, oldest first: `2026-11-29`. */
  readonly days: readonly string[];
  readonly channels: readonly { readonly channel: string; readonly counts: readonly number[] }[];
  readonly total: readonly number[];
  /** The highest count of one channel in one day. */
  readonly busiest: number;
  readonly media: number;
  readonly bytes: number;
  readonly failed: number;
  readonly secondsToReady: number | null;
}

export function summarise(
  { byDay, since }: Pick<StatsView, 'byDay' | 'since'>,
  length: number,
  now = new Date(),
): Sums {
  const days = daysUntil(now, Math.max(length, 1)).filter((day) => day >= since.slice(0, 10));
  const names = [...new Set(byDay.map(({ channel }) => channel))].sort();
  const byKey = new Map(byDay.map((row) => [`${row.day} ${row.channel}`, row.media]));
  const channels = names.map((channel) => ({
    channel,
    counts: days.map((day) => byKey.get(`${day} ${channel}`) ?? 0),
  }));
  return {
    days,
    channels,
    total: days.map((_, at) => sum(channels, ({ counts }) => counts[at] ?? 0)),
    busiest: Math.max(1, ...channels.flatMap(({ counts }) => counts)),
    media: sum(byDay, (row) => row.media),
    bytes: sum(byDay, (row) => row.bytes),
    failed: sum(byDay, (row) => row.failed),
    secondsToReady: middle(byDay),
  };
}

/** Days in UTC, as the service counts them. */
function daysUntil(now: Date, length: number): string[] {
  return Array.from({ length: length + 1 }, (_, at) =>
    new Date(now.getTime() - (length - at) * 86_400_000).toISOString().slice(0, 10),
  );
}

/** The median of the daily medians, weighted by the number of pictures. It approximates the true median. */
function middle(byDay: readonly Day[]): number | null {
  const known = byDay
    .flatMap(({ medianSecondsToReady: seconds, ready }) => (seconds === null ? [] : [{ seconds, ready }]))
    .sort((a, b) => a.seconds - b.seconds);
  const half = sum(known, ({ ready }) => ready) / 2;
  let passed = 0;
  return known.find(({ ready }) => (passed += ready) >= half)?.seconds ?? null;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
