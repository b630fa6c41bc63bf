/** `GET /v1/stats`: how much came in, what became of it, and what somebody should look at. */
import { z } from 'zod';

import type { MediaState } from '../../domain/media.js';
import type { SpoolCount } from '../../infra/spool/spool.js';
import type { StatsGroup, StatsRecord } from '../../infra/tables/stats.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { stats as statsShape, type StatsView } from '../shapes/administration.js';

const dayMs = 86_400_000;
const lateAfterMs = 10 * 60_000;

export const getStats = route(
  {
    method: 'get',
    path: '/v1/stats',
    scope: 'admin',
    operationId: 'getStats',
    summary: 'Count media and bytes by channel, state, kind, direction and day',
    description:
      'What was received within these days, as it is now. `oldestPending` and `needsAttention.late` are of all times.',
    query: z.strictObject({
      days: z.coerce
        .number()
        .int()
        .min(1)
        .max(366)
        .default(30)
        .meta({ description: 'Days of UTC, today among them' }),
    }),
    answers: { 200: { description: 'The counts', schema: statsShape } },
  },
  ({ stats, spool, now }: Pick<RouteServices, 'stats' | 'spool' | 'now'>) =>
    async ({ query, access }) => {
      const today = Math.floor(now().getTime() / dayMs);
      const since = new Date((today - query.days + 1) * dayMs);
      const lateBefore = new Date(now().getTime() - lateAfterMs);
      const channels = access.channels ?? undefined;
      const [record, spooled] = await Promise.all([
        stats.read({ channels, since, lateBefore }),
        spool.count(),
      ]);
      return { ...statsView(since, record), spool: spoolView(spooled) };
    },
);

function spoolView({ oldestAt, ...count }: SpoolCount): StatsView['spool'] {
  return { ...count, oldestAt: oldestAt?.toISOString() ?? null };
}

function statsView(
  since: Date,
  { groups, medians, oldestPending, late, malformed }: StatsRecord,
): Omit<StatsView, 'spool'> {
  const inState = (state: MediaState): number => sum(groups.filter((group) => group.state === state)).media;
  return {
    since: since.toISOString(),
    total: sum(groups),
    byChannel: by(groups, ({ channel }) => ({ channel })),
    byState: by(groups, ({ state }) => ({ state })),
    byKind: by(groups, ({ kind }) => ({ kind })),
    byDirection: by(groups, ({ direction }) => ({ direction })),
    byDay: daysOf(groups, medians),
    oldestPending: oldestPending && {
      id: oldestPending.id,
      receivedAt: oldestPending.receivedAt.toISOString(),
    },
    needsAttention: { late, failed: inState('failed'), rejected: inState('rejected'), malformed },
  };
}

function daysOf(groups: readonly StatsGroup[], medians: StatsRecord['medians']): StatsView['byDay'] {
  const secondsOf = new Map(medians.map(({ day, channel, seconds }) => [`${day} ${channel}`, seconds]));
  return [...split(groups, ({ day, channel }) => ({ day, channel }))]
    .map(([{ day, channel }, own]) => ({
      day,
      channel,
      ...sum(own),
      ready: sum(own.filter(({ state }) => state === 'ready')).media,
      failed: sum(own.filter(({ state }) => state === 'failed' || state === 'rejected')).media,
      medianSecondsToReady: secondsOf.get(`${day} ${channel}`) ?? null,
    }))
    .sort((a, b) => compare(a.day, b.day) || compare(a.channel, b.channel));
}

/** Sums of those that have something in common, the most media first. */
function by<Common extends object>(
  groups: readonly StatsGroup[],
  commonOf: (group: StatsGroup) => Common,
): (Common & { media: number; bytes: number })[] {
  return [...split(groups, commonOf)]
    .map(([common, own]) => ({ ...common, ...sum(own) }))
    .sort((a, b) => b.media - a.media);
}

function split<Common extends object>(
  groups: readonly StatsGroup[],
  commonOf: (group: StatsGroup) => Common,
): Iterable<[Common, StatsGroup[]]> {
  const parts = new Map<string, [Common, StatsGroup[]]>();
  for (const group of groups) {
    const common = commonOf(group);
    const key = JSON.stringify(common);
    const part = parts.get(key) ?? [common, []];
    part[1].push(group);
    parts.set(key, part);
  }
  return parts.values();
}

function sum(groups: readonly StatsGroup[]): { media: number; bytes: number } {
  return groups.reduce(
    (total, { media, bytes }) => ({ media: total.media + media, bytes: total.bytes + bytes }),
    { media: 0, bytes: 0 },
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
