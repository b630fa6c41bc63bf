/**
 * Where verified webhooks become rows. Webhooks that arrive while a commit is under way wait for the next one, and all
 * that wait are written by ONE statement: delivery, messages, media and the jobs that fetch them. Measured here: a
 * statement costs 0.7 ms for one webhook and 5.6 ms for 64. Nothing else is waited for on this path.
 */
import type pg from 'pg';

import type { Direction, MediaKind, MessageStatus } from '../domain/provider.js';
import { DatabaseLateError } from './database-away.js';
import { topics } from './notifications.js';
import { fetchTask, maxJobAttempts } from './tasks.js';

export const outcomes = ['accepted', 'status', 'ignored', 'malformed'] as const;
export type Outcome = (typeof outcomes)[number];

/** A verified webhook with everything that was read from it. Times are ISO 8601, digests hex. */
export interface InboxEntry {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly contentHash: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly receivedAt: string;
  readonly messages: readonly MessageRow[];
  readonly media: readonly MediaRow[];
  readonly statuses: readonly StatusRow[];
}

export interface MessageRow {
  readonly delivery_id: string;
  readonly id: string;
  readonly message_id: string;
  readonly direction: Direction;
  readonly sender: string;
  readonly recipient: string | null;
  readonly chat: string | null;
  readonly sender_name: string | null;
  readonly caption: string | null;
  readonly sent_at: string | null;
}

export interface MediaRow {
  readonly delivery_id: string;
  readonly id: string;
  /** The provider's id of its message. */
  readonly message_id: string;
  /** Among the attachments of this kind in the message. */
  readonly position: number;
  readonly direction: Direction;
  readonly kind: MediaKind;
  readonly state: 'pending' | 'rejected' | 'failed';
  readonly source_url: string | null;
  readonly source_expires_at: string | null;
  readonly source_credentials: boolean;
  readonly declared_type: string | null;
  readonly declared_sha256: string | null;
  readonly filename: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

export interface StatusRow {
  readonly delivery_id: string;
  readonly message_id: string;
  readonly status: MessageStatus;
  readonly at: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

/** What became of an entry. */
export interface Committed {
  /** The id of the kept delivery: an earlier one's when the same came before. */
  readonly delivery: string;
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

export interface Inbox {
  /**
   * Resolves when the entry is durable. Rejects when the database did not take it: then nothing of it is kept. With
   * `patienceMs`, it rejects with a `DatabaseLateError` soon after that time: then the database may have taken it all the same.
   */
  readonly commit: (entry: InboxEntry, patienceMs?: number) => Promise<Committed>;
  /** Reads the entry again after its parser has learned: rows that exist stay as they are, new ones are added. */
  readonly recommit: (entry: InboxEntry) => Promise<Committed>;
}

interface Waiting {
  readonly entry: InboxEntry;
  /** When patience with the database ends, on the clock of `performance`. */
  readonly until: number;
  readonly resolve: (committed: Committed) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds one statement: memory for its JSON, and how much one bad row makes us do again. */
const maxBatch = 128;
const maxBatchBytes = 8_388_608;
/** While PostgreSQL works on one batch, the next one gathers, so that neither waits for the other. */
const batchesAtOnce = 2;

/** How often the clock is looked at while somebody waits: one timer for all of them. */
const lookEveryMs = 100;
/** A statement that takes longer is given up with its connection, which may lead nowhere. */
const timeout = { query_timeout: 10_000 } as const;

/** The pool must be one whose statements go by key (see database.ts). */
export function createInbox(pool: pg.Pool): Inbox {
  const waiting: Waiting[] = [];
  const underWay = new Set<readonly Waiting[]>();
  let entriesUnderWay = 0;
  let scheduled = false;
  let looking = false;

  // A statement costs a millisecond before its first row: a second one goes off only with as many as are under way.
  const isTime = (): boolean =>
    waiting.length > 0 &&
    (underWay.size === 0 || (underWay.size < batchesAtOnce && waiting.length >= entriesUnderWay));

  const send = (): void => {
    scheduled = false;
    if (!isTime()) return;
    const batch = waiting.splice(0, batchSize(waiting));
    underWay.add(batch);
    entriesUnderWay += batch.length;
    void settle(pool, batch).then(() => {
      underWay.delete(batch);
      entriesUnderWay -= batch.length;
      schedule();
    });
  };

  const schedule = (): void => {
    if (scheduled || !isTime()) return;
    scheduled = true;
    // Those that arrive in the same turn of the event loop go together.
    setImmediate(send);
  };

  /** Tells those whose patience has ended. Who has not been sent yet, is not sent any more. */
  const look = (): void => {
    looking = false;
    const now = performance.now();
    const isLate = ({ until }: Waiting): boolean => until <= now;
    const late = [...waiting, ...[...underWay].flat()].filter(isLate);
    const patient = waiting.filter((one) => !isLate(one));
    waiting.splice(0, waiting.length, ...patient);
    for (const { reject } of late) reject(new DatabaseLateError('the database did not answer in time'));
    if (waiting.length > 0 || underWay.size > 0) lookLater();
  };

  const lookLater = (): void => {
    if (looking) return;
    looking = true;
    setTimeout(look, lookEveryMs).unref();
  };

  return {
    commit: (entry, patienceMs = Infinity) =>
      new Promise((resolve, reject) => {
        waiting.push({ entry, until: performance.now() + patienceMs, resolve, reject });
        schedule();
        lookLater();
      }),
    recommit: async (entry) => {
      const kept = new Map([[entry.id, { delivery: entry.id, media: [] }]]);
      const committed = (await complete(pool, [entry], kept)).get(entry.id);
      if (!committed) throw new Error('the delivery is gone');
      return committed;
    },
  };
}

/** How many of those that wait go together: at least one. */
function batchSize(waiting: readonly Waiting[]): number {
  let bytes = 0;
  const tooMany = waiting.findIndex(({ entry }, place) => {
    bytes += entry.body.length;
    return place >= maxBatch || (place > 0 && bytes > maxBatchBytes);
  });
  return tooMany < 0 ? waiting.length : tooMany;
}

async function settle(pool: pg.Pool, batch: readonly Waiting[]): Promise<void> {
  try {
    const committed = await commitBatch(
      pool,
      batch.map(({ entry }) => entry),
    );
    batch.forEach(({ resolve, reject }, place) => {
      const one = committed[place];
      if (one) resolve(one);
      else reject(new Error('the database did not answer for a delivery'));
    });
  } catch (error) {
    // One bad row must not take its neighbours down; a database that is away is away for all of them.
    if (batch.length > 1 && isAboutRows(error)) for (const one of batch) await settle(pool, [one]);
    else for (const { reject } of batch) reject(error);
  }
}

/** PostgreSQL's classes for data it cannot take (22), broken rules (23), limits of size (54), and for a deadlock (40). */
function isAboutRows(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|54|40)/.test(String(error.code));
}

async function commitBatch(pool: pg.Pool, entries: readonly InboxEntry[]): Promise<readonly Committed[]> {
  const written = await run(pool, commitStatement, entries);
  if (written === 'all') return entries.map(asNew);
  const isNew = ({ id, media }: InboxEntry): boolean =>
    written.deliveries.has(id) && media.every((one) => written.media.has(one.id));
  const known = entries.filter((entry) => !isNew(entry));
  const kept = await findKept(pool, known);
  await eraseRedelivered(
    pool,
    known.filter(({ id, messages }) => kept.get(id)?.delivery === id && messages.length > 0),
  );
  // A known message that comes with a new kind of attachment, or a commit of that which was cut off in the middle.
  const incomplete = known.filter(({ id, media }) => (kept.get(id)?.media.length ?? 0) < media.length);
  const added = incomplete.length > 0 ? await complete(pool, incomplete, kept) : new Map<string, Committed>();
  return entries.map((entry) => {
    const earlier = kept.get(entry.id);
    if (!earlier) return asNew(entry);
    const duplicate = !written.deliveries.has(entry.id) || entry.media.length > 0;
    return added.get(entry.id) ?? { ...earlier, duplicate };
  });
}

function asNew({ id, media }: InboxEntry): Committed {
  return { delivery: id, duplicate: false, media: media.map((one) => one.id) };
}

async function complete(
  pool: pg.Pool,
  entries: readonly InboxEntry[],
  kept: ReadonlyMap<string, Kept>,
): Promise<Map<string, Committed>> {
  const again = entries.map((entry) => withId(entry, kept.get(entry.id)?.delivery ?? entry.id));
  const written = await run(pool, againStatement, again);
  const brings = (media: readonly string[]): boolean =>
    written === 'all' ? media.length > 0 : media.some((one) => written.media.has(one));
  const found = await findKept(pool, entries);
  return new Map([...found].map(([id, now]) => [id, { ...now, duplicate: !brings(now.media) }]));
}

/** The entry as that of another delivery: the one that is kept of the same content. */
function withId(entry: InboxEntry, id: string): InboxEntry {
  const owned = <Row extends object>(rows: readonly Row[]): (Row & { delivery_id: string })[] =>
    rows.map((row) => ({ ...row, delivery_id: id }));
  const { messages, media, statuses } = entry;
  return { ...entry, id, messages: owned(messages), media: owned(media), statuses: owned(statuses) };
}

interface Written {
  /** Ids of deliveries that were not known before. */
  readonly deliveries: ReadonlySet<string>;
  /** Ids of media that were not known before. */
  readonly media: ReadonlySet<string>;
}

interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Nearly always everything is new, and then nothing is listed: reading ids back costs more than it seems. */
async function run(
  pool: pg.Pool,
  statement: Statement,
  entries: readonly InboxEntry[],
): Promise<Written | 'all'> {
  const { rows } = await pool.query<{ deliveries: string[] | null; media: string[] | null }>({
    ...statement,
    ...timeout,
    values: parameters(entries),
  });
  const { deliveries, media } = rows[0] ?? { deliveries: [], media: [] };
  return deliveries && media ? { deliveries: new Set(deliveries), media: new Set(media) } : 'all';
}

/** The bodies go as they are, one behind the other: spelled out in JSON they would cost more than all the rest. */
function parameters(entries: readonly InboxEntry[]): (string | Buffer | number)[] {
  let offset = 1; // SQL counts from one.
  const deliveries = entries.map((entry) => {
    const from = offset;
    offset += entry.body.length;
    return {
      id: entry.id,
      channel: entry.channel,
      provider: entry.provider,
      content_hash: entry.contentHash,
      body_from: from,
      body_bytes: entry.body.length,
      headers: entry.headers,
      outcome: entry.outcome,
      reason: entry.reason,
      received_at: entry.receivedAt,
    };
  });
  const media = entries.flatMap((entry) => entry.media);
  return [
    JSON.stringify(deliveries),
    JSON.stringify(entries.flatMap((entry) => entry.messages)),
    JSON.stringify(media),
    JSON.stringify(entries.flatMap((entry) => entry.statuses)),
    Buffer.concat(entries.map(({ body }) => body)),
    entries.length,
    media.length,
  ];
}

const deliveryColumns = `id uuid, channel text, provider text, content_hash text, body_from int, body_bytes int, headers jsonb,
  outcome text, reason text, received_at timestamptz`;

/**
 * Everything hangs on `d`, the deliveries that are to be read: rows of the others are left out. The inserts go in the
 * order of their unique keys, so that two processes writing the same webhooks cannot lock each other out.
 */
const statement = (d: string, owners: string): string => `
with d as (${d}),
m as (
  insert into message (id, channel, provider, message_id, direction, sender, recipient, chat, sender_name, caption,
                       sent_at, received_at, delivery_id)
  select x.id, d.channel, d.provider, x.message_id, x.direction, x.sender, x.recipient, x.chat, x.sender_name, x.caption,
         x.sent_at, d.received_at, d.id
  from json_to_recordset($2::json) as x (id uuid, delivery_id uuid, message_id text, direction text, sender text,
         recipient text, chat text, sender_name text, caption text, sent_at timestamptz)
  join d on d.id = x.delivery_id
  order by d.channel, x.message_id
  on conflict (channel, message_id) do nothing
  returning id, channel, message_id
),
a as (
  insert into media (id, channel, provider, message_row_id, position, direction, kind, state, source_url,
                     source_expires_at, source_credentials, declared_type, declared_sha256, filename, attempts,
                     next_attempt_at, error_code, error_message, received_at)
  select x.id, d.channel, d.provider, owner.id, x.position, x.direction, x.kind, x.state, x.source_url,
         x.source_expires_at, x.source_credentials, x.declared_type, x.declared_sha256, x.filename, 0,
         case when x.state = 'pending' then d.received_at end, x.error_code, x.error_message, d.received_at
  from json_to_recordset($3::json) as x (id uuid, delivery_id uuid, message_id text, position int, direction text,
         kind text, state text, source_url text, source_expires_at timestamptz, source_credentials boolean,
         declared_type text, declared_sha256 text, filename text, error_code text, error_message text)
  join d on d.id = x.delivery_id
  join ${owners} as owner on owner.channel = d.channel and owner.message_id = x.message_id
  order by owner.id, x.kind, x.position
  on conflict (message_row_id, kind, position) do nothing
  returning id, channel, state
),
s as (
  insert into message_status (channel, message_id, status, at, error_code, error_message, received_at)
  select d.channel, x.message_id, x.status, x.at, x.error_code, x.error_message, d.received_at
  from json_to_recordset($4::json) as x (delivery_id uuid, message_id text, status text, at timestamptz,
         error_code text, error_message text)
  join d on d.id = x.delivery_id
  order by 1, 2, 3
  on conflict (channel, message_id, status) do nothing
  returning channel, message_id, status
),
n as (
  insert into notification (type, channel, media_id, message_id, status)
  select 'media.' || state, channel, id, null, null from a where state <> 'pending'
  union all
  select 'message.status', channel, null, message_id, status from s
  returning pg_notify('${topics.outbox}', '')
),
jobs as (
  select count(*) as added from graphile_worker.add_jobs(array(
    select row('${fetchTask}', json_build_object('mediaId', id), null, null, ${String(maxJobAttempts)}, null, null, null)
             ::graphile_worker.job_spec
    from a where state = 'pending'
  ))
)
select (select added from jobs) as jobs, (select count(*) from n) as events, changed.deliveries, changed.media
from (select (select count(*) from d) = $6 and (select count(*) from a) = $7 as is_all) as written
left join lateral (select array(select id from d) as deliveries, array(select id from a) as media) as changed
  on not written.is_all`;

const commitStatement: Statement = {
  name: 'inbox',
  text: statement(
    `
  insert into delivery (id, channel, provider, content_hash, body, headers, outcome, reason, received_at)
  select x.id, x.channel, x.provider, decode(x.content_hash, 'hex'), substring($5::bytea from x.body_from for x.body_bytes),
         x.headers, x.outcome,
         x.reason, x.received_at
  from json_to_recordset($1::json) as x (${deliveryColumns})
  order by x.channel, x.content_hash
  on conflict (channel, content_hash) do nothing
  returning id, channel, provider, received_at`,
    'm',
  ),
};

/** Looks for known messages too; the usual way does not, since that would cost every webhook what only a few need. */
const againStatement: Statement = {
  name: 'inbox-again',
  text: statement(
    `
  update delivery set outcome = x.outcome, reason = x.reason
  from json_to_recordset($1::json) as x (${deliveryColumns})
  where delivery.id = x.id and delivery.erased_at is null and $5::bytea is not null
  returning delivery.id, delivery.channel, delivery.provider, delivery.received_at`,
    `(
    select id, channel, message_id from m
    union all
    select message.id, message.channel, message.message_id
    from json_to_recordset($2::json) as y (delivery_id uuid, message_id text)
    join d on d.id = y.delivery_id
    join message on message.channel = d.channel and message.message_id = y.message_id and message.erased_at is null
  )`,
  ),
};

/**
 * An erased message that comes again with other bytes is recognised, and its raw delivery, new as it is, must not keep what was
 * erased. Waits for an erasure that is under way, which may have looked for deliveries before this one was there.
 */
async function eraseRedelivered(pool: pg.Pool, entries: readonly InboxEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await pool.query({
    ...timeout,
    name: 'inbox-redelivered',
    text: `
      with told as (
        select x.delivery_id, message.erased_at
        from json_to_recordset($1::json) as x (delivery_id uuid, channel text, message_id text)
        join message on message.channel = x.channel and message.message_id = x.message_id
        order by message.id for share of message
      )
      update delivery set body = '', headers = '{}', reason = null, erased_at = now()
      where id in (select delivery_id from told where erased_at is not null)`,
    values: [
      JSON.stringify(
        entries.flatMap(({ id, channel, messages }) =>
          messages.map(({ message_id }) => ({ delivery_id: id, channel, message_id })),
        ),
      ),
    ],
  });
}

type Kept = Omit<Committed, 'duplicate'>;

/** What is kept of these entries, whichever delivery brought it; by the entry's id. */
async function findKept(pool: pg.Pool, entries: readonly InboxEntry[]): Promise<Map<string, Kept>> {
  const { rows } = await pool.query<{ entry: string; delivery: string; media: string[] }>({
    ...timeout,
    name: 'inbox-kept',
    text: `
      select x.id as entry, d.id as delivery, array(
        select media.id
        from rows from (json_to_recordset(x.media) as (message_id text, kind text, position int))
               with ordinality as wanted (message_id, kind, position, place)
        join message on message.channel = x.channel and message.message_id = wanted.message_id
        join media on media.message_row_id = message.id and media.kind = wanted.kind and media.position = wanted.position
        order by wanted.place
      ) as media
      from json_to_recordset($1::json) as x (id uuid, channel text, content_hash text, media json)
      join delivery d on d.channel = x.channel and d.content_hash = decode(x.content_hash, 'hex')`,
    values: [
      JSON.stringify(
        entries.map(({ id, channel, contentHash, media }) => ({
          ...{ id, channel, content_hash: contentHash },
          media: media.map(({ message_id, kind, position }) => ({ message_id, kind, position })),
        })),
      ),
    ],
  });
  return new Map(rows.map(({ entry, delivery, media }) => [entry, { delivery, media }]));
}
