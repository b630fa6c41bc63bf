/**
 * Counts over everything that was received. They are not counted on request: triggers append each change to
 * `stats_change`, in the transaction that makes it (see prisma/migrations), and stats-sums.ts adds them to
 * sums by day (decision 128). The counts are the sums and the changes that are not in them yet, read in one
 * snapshot: SQL.
 */
import type { MediaState } from '../../domain/media.js';
import type { Direction, MediaKind } from '../../domain/provider.js';
import type { Pool } from '../postgres/database.js';
import { conditionsOf, createParameters } from '../postgres/pages.js';
import { candidates } from './media/candidates.js';

interface StatsScope {
  /** Undefined: all. */
  readonly channels: readonly string[] | undefined;
  /** The beginning of a day of UTC. */
  readonly since: Date;
  /** What has been pending since before the minute of this moment is late. */
  readonly lateBefore: Date;
}

export interface StatsCount {
  readonly media: number;
  /** A file that several media share counts for each of them. */
  readonly bytes: number;
}

/** The media of a channel of one day (UTC). */
interface StatsDay extends StatsCount {
  readonly day: string;
  readonly channel: string;
  readonly ready: number;
  /** Failed or rejected. */
  readonly failed: number;
  /** From their webhooks to being ready, with two significant digits; null if none is ready. */
  readonly medianSeconds: number | null;
}

export interface StatsRecord {
  readonly byChannel: readonly (StatsCount & { readonly channel: string })[];
  readonly byState: readonly (StatsCount & { readonly state: MediaState })[];
  readonly byKind: readonly (StatsCount & { readonly kind: MediaKind })[];
  readonly byDirection: readonly (StatsCount & { readonly direction: Direction })[];
  readonly byDay: readonly StatsDay[];
  /** All times count, not only the selected period. */
  readonly oldestPending: { readonly id: string; readonly receivedAt: Date } | null;
  /** All times count, not only the selected period. */
  readonly late: number;
  /** Webhooks that were not understood. */
  readonly malformed: number;
  /** Those of the failed and the rejected media that need no attention any more. */
  readonly resolved: { readonly failed: number; readonly rejected: number };
}

export interface Stats {
  readonly read: (scope: StatsScope) => Promise<StatsRecord>;
}

export function createStats(pool: Pool): Stats {
  const underWay = new Map<string, Promise<StatsRecord>>();
  const count = async (scope: StatsScope): Promise<StatsRecord> => {
    const [groups, medians, attention] = await Promise.all([
      readGroups(pool, scope),
      readMedians(pool, scope),
      readAttention(pool, scope),
    ]);
    const medianOf = new Map(medians.map(({ day, channel, seconds }) => [`${day} ${channel}`, seconds]));
    return {
      byChannel: groups.filter(isOf('channel')),
      byState: groups.filter(isOf('state')),
      byKind: groups.filter(isOf('kind')),
      byDirection: groups.filter(isOf('direction')),
      byDay: groups.filter(isOf('day')).map(({ day, channel, media, bytes, ready, failed }) => {
        const medianSeconds = medianOf.get(`${day} ${channel ?? ''}`) ?? null;
        return { day, channel: channel ?? '', media, bytes, ready, failed, medianSeconds };
      }),
      ...attention,
    };
  };
  return {
    // Callers that ask the same at the same time share one answer.
    read: (scope) => {
      const key = JSON.stringify([scope.channels, scope.since]);
      const asked =
        underWay.get(key) ??
        count(scope).finally(() => {
          underWay.delete(key);
        });
      underWay.set(key, asked);
      return asked;
    },
  };
}

/** Counts of media that have one thing in common, or of a channel and a day; the other members are null. */
interface Group extends StatsCount {
  readonly day: string | null;
  readonly channel: string | null;
  readonly kind: MediaKind | null;
  readonly direction: Direction | null;
  readonly state: MediaState | null;
  readonly ready: number;
  readonly failed: number;
}

type GroupName = 'day' | 'channel' | 'kind' | 'direction' | 'state';

/** Whether the group is by this column. Groups by day are by channel as well. */
const isOf =
  <Name extends GroupName>(name: Name) =>
  (group: Group): group is Group & { readonly [Key in Name]: NonNullable<Group[Key]> } =>
    group[name] !== null && (name === 'day' || group.day === null);

/** Restricts sums, and changes that are not part of them yet, to the days and channels of the scope. */
function conditionsFor(
  { channels, since }: StatsScope,
  parameters: ReturnType<typeof createParameters>,
): string {
  return conditionsOf(
    { day: 'day >= ?', channels: 'channel = any(?)' },
    { day: dayOf(since), channels },
    parameters,
  ).join(' and ');
}

/** The most media first; days in their order. */
async function readGroups(pool: Pool, scope: StatsScope): Promise<Group[]> {
  const parameters = createParameters();
  const where = conditionsFor(scope, parameters);
  const { rows } = await pool.query<Group>(
    `select day::text as day, channel, kind, direction, state, sum(media::float8) as media, sum(bytes::float8) as bytes,
            coalesce(sum(media::float8) filter (where state = 'ready'), 0) as ready,
            coalesce(sum(media::float8) filter (where state in ('failed', 'rejected')), 0) as failed
     from (
       select day, channel, kind, direction, state, media, bytes from stats_day where ${where}
       union all
       select day, channel, kind, direction, state, media, bytes from stats_change where kind is not null and ${where}
     ) as counts
     group by grouping sets ((channel), (kind), (direction), (state), (day, channel))
     having sum(media::float8) <> 0
     order by counts.day, media desc, channel`,
    parameters.values,
  );
  return rows;
}

interface Median {
  readonly day: string;
  readonly channel: string;
  readonly seconds: number;
}

/** That of the sums, unless there are changes. */
async function readMedians(pool: Pool, scope: StatsScope): Promise<Median[]> {
  const parameters = createParameters();
  const where = conditionsFor(scope, parameters);
  const { rows } = await pool.query<Median>(
    `with changed as materialized (
       select day, channel, milliseconds, media from stats_change where milliseconds is not null and ${where}
     ), renewed as (
       select day, channel, stats_median_of(array_agg(milliseconds), array_agg(media)) as milliseconds
       from (
         select day, channel, milliseconds, media from stats_duration
         where (day, channel) in (select day, channel from changed)
         union all
         select day, channel, milliseconds, media from changed
       ) as durations
       group by day, channel
     )
     select day::text as day, channel, milliseconds / 1000 as seconds
     from (
       select day, channel, milliseconds from stats_median
       where ${where} and (day, channel) not in (select day, channel from changed)
       union all
       select day, channel, milliseconds from renewed where milliseconds is not null
     ) as medians`,
    parameters.values,
  );
  return rows;
}

type Attention = Pick<StatsRecord, 'oldestPending' | 'late' | 'malformed' | 'resolved'>;

async function readAttention(pool: Pool, { channels, since, lateBefore }: StatsScope): Promise<Attention> {
  const parameters = createParameters();
  const ofChannels = conditionsOf({ channels: 'channel = any(?)' }, { channels }, parameters)
    .map((condition) => ` and ${condition}`)
    .join('');
  const minute = parameters.add(lateBefore);
  const day = parameters.add(dayOf(since));
  // Found by an index that has only these.
  const resolvedOf = (state: string): string => `
       (select count(*)::float8 from media where resolved_at is not null and state in ('rejected', 'failed')
          and state = '${state}' and received_at >= (${day}::date at time zone 'UTC')${ofChannels})`;
  const oldest = candidates(
    { state: 'pending', channels },
    { after: undefined, size: 1, isOldestFirst: true },
    parameters,
  );
  const { rows } = await pool.query<{
    late: number;
    malformed: number;
    failed: number;
    rejected: number;
    id: string | null;
    receivedAt: Date | null;
  }>(
    `select counts.*, media.id, media.received_at as "receivedAt"
     from (select
       (select coalesce(sum(media), 0)::float8 from (
          select media from stats_pending where minute < date_trunc('minute', ${minute}::timestamptz, 'UTC')${ofChannels}
          union all
          select media from stats_change where minute < date_trunc('minute', ${minute}::timestamptz, 'UTC')${ofChannels}
        ) as pending) as late,
       (select coalesce(sum(deliveries), 0)::float8 from (
          select deliveries from stats_malformed where day >= ${day}::date${ofChannels}
          union all
          select malformed from stats_change where malformed <> 0 and day >= ${day}::date${ofChannels}
        ) as deliveries) as malformed,
       ${resolvedOf('failed')} as failed, ${resolvedOf('rejected')} as rejected
     ) as counts left join media on media.id = (${oldest})`,
    parameters.values,
  );
  const { late = 0, malformed = 0, failed = 0, rejected = 0, id = null, receivedAt = null } = rows[0] ?? {};
  const resolved = { failed, rejected };
  return {
    late,
    malformed,
    resolved,
    oldestPending: id !== null && receivedAt !== null ? { id, receivedAt } : null,
  };
}

function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}
