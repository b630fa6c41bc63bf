/**
 * Published events, in the order in which they are told. Read by SQL: a page for each publication, by the numbers of a sequence, joined with
 * what each event is about.
 */
import type { EventType } from '../../../domain/event.js';
import type { Pool } from '../../postgres/database.js';
import { columnsOf } from '../../postgres/pages.js';
import { shareNext, sharePages, type NumberedPage } from '../../postgres/shared-reads.js';
import type { Lookup, MediaRecord, StatusRecord } from '../media/lookup.js';
import { ownIdIn, statusJson, withDates } from '../statuses.js';

interface Published {
  /** Grows, with gaps. */
  readonly seq: number;
  readonly channel: string;
  readonly at: Date;
}
export type EventRecord = Published &
  (
    | { readonly type: Exclude<EventType, 'message.status'>; readonly media: MediaRecord }
    | {
        readonly type: 'message.status';
        readonly status: StatusRecord;
        /** Id of the message, where it was sent from here. */
        readonly outbound: string | null;
      }
  );

/** What some events are about may be gone by now: they are left out. */
export type EventPage = NumberedPage<EventRecord>;

/** Where a stream begins. */
export interface StreamStart {
  /** The number that it goes on behind. */
  readonly from: number;
  /** Whether some events after the number that the client has seen are no longer kept, or nobody knows that number. */
  readonly missed: boolean;
}

export interface EventLog {
  /** For a client that has seen everything up to this number; without one it begins now. */
  readonly start: (seen: number | undefined) => Promise<StreamStart>;
  /** Callers that read at the same moment share a statement and its records. */
  readonly after: (seq: number) => Promise<EventPage>;
  /** Those of these notifications that can still be told, by the notification's id. */
  readonly byIds: (ids: readonly string[]) => Promise<ReadonlyMap<string, EventRecord>>;
}

interface Row {
  readonly id: string;
  readonly seq: number;
  readonly type: EventType;
  readonly channel: string;
  readonly at: Date;
  readonly mediaId: string | null;
  readonly status: StatusRecord | null;
  readonly outbound: string | null;
}

const pageSize = 200;
const select = `select ${columnsOf<Row>({
  id: 'n.id',
  seq: 'n.seq::float8',
  type: 'n.type',
  channel: 'n.channel',
  at: 'n.created_at',
  mediaId: 'n.media_id',
  status: `case when s.channel is not null then ${statusJson('s')} end`,
  outbound: 'coalesce(sent.id, own.id)',
})}
  from notification as n
  left join message_status as s on s.channel = n.channel and s.message_id = n.message_id and s.status = n.status
  left join outbound as sent on sent.channel = n.channel and sent.message_id = n.message_id
  left join outbound as own on own.channel = n.channel and own.id = ${ownIdIn('n.message_id')}`;

/** All three are 0 as long as nothing was published. */
interface Numbers {
  /** Of the newest event that is kept. */
  readonly latest: number;
  /** The highest that was given so far. */
  readonly given: number;
  /** Up to here events have been deleted because of their age. */
  readonly forgotten: number;
}
const numbersQuery = `
  select coalesce((select max(seq) from notification), 0)::float8 as latest,
         (select case when is_called then last_value else 0 end from event_seq)::float8 as given,
         coalesce((select max(seq) from event_horizon), 0)::float8 as forgotten`;

export function createEventLog(pool: Pool, lookup: Pick<Lookup, 'mediaByIds'>): EventLog {
  const complete = async (rows: readonly Row[]): Promise<Map<string, EventRecord>> => {
    const ids = rows.flatMap(({ mediaId }) => mediaId ?? []);
    const media = new Map((await lookup.mediaByIds(ids)).map((one) => [one.id, one]));
    return new Map(
      rows.flatMap((row) => {
        const event = toEvent(row, media.get(row.mediaId ?? ''));
        return event ? [[row.id, event]] : [];
      }),
    );
  };

  const numbers = shareNext(async (): Promise<Numbers> => {
    const { rows } = await pool.query<Numbers>(numbersQuery);
    return rows[0] ?? { latest: 0, given: 0, forgotten: 0 };
  });
  const after = sharePages(async (seq): Promise<EventPage> => {
    const { rows } = await pool.query<Row>({
      name: 'events-after',
      text: `${select} where n.seq > $1 order by n.seq limit ${String(pageSize)}`,
      values: [seq],
    });
    const items = [...(await complete(rows)).values()];
    return { items, last: rows.at(-1)?.seq ?? seq, isFull: rows.length === pageSize };
  });

  return {
    start: async (seen) => {
      const { latest, given, forgotten } = await numbers();
      const now = Math.max(latest, forgotten);
      if (seen === undefined) return { from: now, missed: false };
      // A number that was never given is that of another database. Waiting for it would pass over everything below.
      return seen > given ? { from: now, missed: true } : { from: seen, missed: seen < forgotten };
    },
    after,
    byIds: async (ids) => {
      const { rows } = await pool.query<Row>(`${select} where n.id = any($1)`, [ids]);
      return complete(rows);
    },
  };
}

function toEvent(
  { seq, type, channel, at, status, outbound }: Row,
  media: MediaRecord | undefined,
): EventRecord | undefined {
  const published = { seq, channel, at };
  if (type !== 'message.status') return media && { ...published, type, media };
  return status ? { ...published, type, status: withDates(status), outbound } : undefined;
}
