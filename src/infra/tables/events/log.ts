/**
 * Published events in the order of their publication. They are read with SQL: one page for each publication,
 * by the numbers of a sequence, joined with the subject of each event.
 */
import { coalesced } from '../../../domain/concurrent-calls.js';
import { isAlertType, type AlertType, type EventType, type MediaEventType } from '../../../domain/event.js';
import type { Pool } from '../../postgres/database.js';
import { columnsOf } from '../../postgres/pages.js';
import { sharePages, type NumberedPage } from '../../postgres/shared-reads.js';
import type { Lookup, MediaRecord, StatusRecord } from '../media/lookup.js';
import { ownIdIn, statusJson, withDates } from '../statuses.js';

interface Published {
  /** Increases, with gaps. */
  readonly seq: number;
  readonly channel: string;
  readonly at: Date;
}
/** The column `details` of an alert. */
export interface AlertDetails {
  readonly state: 'began' | 'ended';
  readonly subject: string;
  readonly since: string;
  readonly until: string | null;
  readonly message: string;
}

export type EventRecord = Published &
  (
    | { readonly type: MediaEventType; readonly media: MediaRecord }
    | { readonly type: AlertType; readonly alert: AlertDetails }
    | {
        readonly type: 'message.status';
        readonly status: StatusRecord;
        /** The id of the outbound message if it was sent through the API; otherwise null. */
        readonly outbound: string | null;
      }
  );

/** Events whose subject no longer exists are left out. */
export type EventPage = NumberedPage<EventRecord>;

/** Where a stream begins. */
export interface StreamStart {
  /** The number after which the stream continues. */
  readonly from: number;
  /** Whether events after the client's last number are no longer stored, or that number is unknown. */
  readonly missed: boolean;
}

export interface EventLog {
  /** For a client that has seen all events up to this number; without a number, the stream begins now. */
  readonly start: (seen: number | undefined) => Promise<StreamStart>;
  /** Simultaneous callers share a statement and its records. */
  readonly after: (seq: number) => Promise<EventPage>;
  /** The events of these notifications whose subject still exists, by the notification's id. */
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
  readonly alert: AlertDetails | null;
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
  alert: 'n.details',
})}
  from notification as n
  left join message_status as s on s.channel = n.channel and s.message_id = n.message_id and s.status = n.status
  left join outbound as sent on sent.channel = n.channel and sent.message_id = n.message_id
  left join outbound as own on own.channel = n.channel and own.id = ${ownIdIn('n.message_id')}`;

/** All three are 0 if nothing was published yet. */
interface Numbers {
  /** The number of the newest stored event. */
  readonly latest: number;
  /** The highest number that was assigned so far. */
  readonly assigned: number;
  /** Events up to this number were deleted because of their age. */
  readonly deleted: number;
}
const numbersQuery = `
  select coalesce((select max(seq) from notification), 0)::float8 as latest,
         (select case when is_called then last_value else 0 end from event_seq)::float8 as assigned,
         coalesce((select max(seq) from event_horizon), 0)::float8 as deleted`;

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

  const numbers = coalesced(async (): Promise<Numbers> => {
    const { rows } = await pool.query<Numbers>(numbersQuery);
    return rows[0] ?? { latest: 0, assigned: 0, deleted: 0 };
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
      const { latest, assigned, deleted } = await numbers();
      const now = Math.max(latest, deleted);
      if (seen === undefined) return { from: now, missed: false };
      // A number that was never assigned is that of another database. Waiting for it would skip all events
      // below.
      return seen > assigned ? { from: now, missed: true } : { from: seen, missed: seen < deleted };
    },
    after,
    byIds: async (ids) => {
      const { rows } = await pool.query<Row>(`${select} where n.id = any($1)`, [ids]);
      return complete(rows);
    },
  };
}

function toEvent(
  { seq, type, channel, at, status, outbound, alert }: Row,
  media: MediaRecord | undefined,
): EventRecord | undefined {
  const published = { seq, channel, at };
  if (isAlertType(type)) return alert ? { ...published, type, alert } : undefined;
  if (type !== 'message.status') return media && { ...published, type, media };
  return status ? { ...published, type, status: withDates(status), outbound } : undefined;
}
