/** `GET /v1/stats`: counts of received media by state, and of everything that needs attention. */
import { z } from 'zod';

import type { MediaState } from '../../domain/media.js';
import type { SpoolCount } from '../../infra/spool/spool.js';
import type { StatsCount, StatsRecord } from '../../infra/tables/stats.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { stats as statsShape, type StatsView } from '../shapes/administration.js';

const dayMs = 86_400_000;
const lateAfterMs = 10 * 60_000;

export const getStats = route(
  {
    method: 'get',
    path: '/v1/stats',
    scope: 'media:read',
    operationId: 'getStats',
    summary: 'Count media and bytes by channel, state, kind, direction and day',
    description:
      'Counts what was received within these days, in its current state. `oldestPending` and `needsAttention.late` are not limited to them.',
    query: z.strictObject({
      days: z.coerce
        .number()
        .int()
        .min(1)
        .max(366)
        .default(30)
        .meta({ description: 'The number of days in UTC, including today' }),
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

function statsView(since: Date, record: StatsRecord): Omit<StatsView, 'spool'> {
  const { byChannel, byState, byKind, byDirection, byDay, oldestPending, late, malformed, resolved } = record;
  const inState = (wanted: MediaState): number => byState.find(({ state }) => state === wanted)?.media ?? 0;
  return {
    since: since.toISOString(),
    total: sum(byState),
    byChannel: byChannel.map(({ channel, media, bytes }) => ({ channel, media, bytes })),
    byState: byState.map(({ state, media, bytes }) => ({ state, media, bytes })),
    byKind: byKind.map(({ kind, media, bytes }) => ({ kind, media, bytes })),
    byDirection: byDirection.map(({ direction, media, bytes }) => ({ direction, media, bytes })),
    byDay: byDay.map(({ medianSeconds, ...counts }) => ({ ...counts, medianSecondsToReady: medianSeconds })),
    oldestPending: oldestPending && {
      id: oldestPending.id,
      receivedAt: oldestPending.receivedAt.toISOString(),
    },
    needsAttention: {
      late,
      failed: Math.max(0, inState('failed') - resolved.failed),
      rejected: Math.max(0, inState('rejected') - resolved.rejected),
      malformed,
    },
  };
}

function sum(groups: readonly StatsCount[]): StatsView['total'] {
  return groups.reduce(
    (total, { media, bytes }) => ({ media: total.media + media, bytes: total.bytes + bytes }),
    { media: 0, bytes: 0 },
  );
}
