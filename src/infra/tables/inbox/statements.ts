/**
 * The SQL statements of the inbox. For speed, each writes, locks or finds the rows of several webhooks at
 * once.
 */
import type pg from 'pg';

import { lowestIdAt } from '../../../domain/id.js';
import { topics } from '../../postgres/notifications.js';
import {
  addDeletionJobs,
  addFetchJobs,
  addFirstFetchJobs,
  announcement,
  priorities,
} from '../../queue/tasks.js';
import { ownIdIn } from '../statuses.js';
import type { ContextRow, InboxEntry } from './entry.js';

export type Connection = Pick<pg.ClientBase, 'query'>;

/** A statement that takes longer is abandoned with its connection, which may be broken. */
const timeout = { query_timeout: 10_000 } as const;

/** The rows that a statement has added. */
export interface Written {
  /** The ids of new deliveries. */
  readonly deliveries: ReadonlySet<string>;
  /** The ids of new media. */
  readonly media: ReadonlySet<string>;
}

const deliveryColumns = `id uuid, channel text, provider text, content_hash text, body_from int, body_bytes int, headers jsonb,
  outcome text, reason text, received_at timestamptz`;

/**
 * Everything depends on `d`, the deliveries to read: rows of other deliveries are left out. `owners` are the
 * messages to which media may belong, `storesStatus` is the condition for statuses, and `isMissing` the one
 * for media. Rows are inserted in the order of their unique keys, so that two processes that write the same
 * webhooks cannot deadlock.
 */
const statement = (
  d: string,
  owners: string,
  { storesStatus = 'true', isMissing = 'true', contexts = '' } = {},
): string => `
with d as (${d}),
m as (
  insert into message (id, channel, provider, message_id, direction, sender, recipient, chat, sender_name, chat_name,
                       person_alias, caption, sent_at, received_at, delivery_id)
  select x.id, d.channel, d.provider, x.message_id, x.direction, x.sender, x.recipient, x.chat, x.sender_name, x.chat_name,
         x.person_alias, x.caption, x.sent_at, d.received_at, d.id
  from json_to_recordset($2::json) as x (id uuid, delivery_id uuid, message_id text, direction text, sender text,
         recipient text, chat text, sender_name text, chat_name text, person_alias text, caption text, sent_at timestamptz)
  join d on d.id = x.delivery_id
  order by d.channel, x.message_id
  on conflict (channel, message_id) do nothing
  returning id, channel, message_id, sender, chat
),
a as (
  insert into media (id, channel, provider, message_row_id, position, file_key, direction, kind, state, source_url,
                     source_reference, source_expires_at, source_credentials, declared_type, declared_sha256, filename,
                     attempts, next_attempt_at, error_code, error_message, received_at, person, conversation)
  select x.id, d.channel, d.provider, owner.id, x.position, x.file_key, x.direction, x.kind, x.state, x.source_url,
         x.source_reference, x.source_expires_at, x.source_credentials, x.declared_type, x.declared_sha256, x.filename, 0,
         case when x.state = 'pending' then d.received_at end, x.error_code, x.error_message, d.received_at,
         nullif(owner.sender, ''), owner.chat
  from json_to_recordset($3::json) as x (id uuid, delivery_id uuid, message_id text, position int, file_key text,
         direction text, kind text, state text, source_url text, source_reference text, source_expires_at timestamptz,
         source_credentials boolean, declared_type text, declared_sha256 text, filename text, error_code text,
         error_message text)
  join d on d.id = x.delivery_id
  join ${owners} as owner on owner.channel = d.channel and owner.message_id = x.message_id
  where ${isMissing}
  order by owner.id, x.kind, x.position
  on conflict (message_row_id, kind, (coalesce(file_key, position::text))) do nothing
  returning id, channel, state
),
s as (
  insert into message_status (channel, message_id, status, at, error_code, error_message, received_at)
  select d.channel, x.message_id, x.status, x.at, x.error_code, x.error_message, d.received_at
  from json_to_recordset($4::json) as x (delivery_id uuid, message_id text, status text, at timestamptz,
         error_code text, error_message text)
  join d on d.id = x.delivery_id
  where ${storesStatus}
  order by 1, 2, 3
  on conflict (channel, message_id, status) do nothing
  returning channel, message_id, status
),
${contexts}n as (
  insert into notification (type, channel, media_id, message_id, status)
  select 'media.' || state, channel, id, null, null from a where state <> 'pending'
  union all
  select 'message.status', channel, null, message_id, status from s
  returning pg_notify('${topics.outbox}', '')
),
jobs as (${addFirstFetchJobs(`select id from a where state = 'pending'`)})
select ${announcement('jobs')} as announced, (select count(*) from n) as events, changed.deliveries, changed.media
from (select (select count(*) from d) = $5 and (select count(*) from a) = $6 as is_all) as written
left join lateral (select array(select id from d) as deliveries, array(select id from a) as media) as changed
  on not written.is_all`;

/**
 * The part that adds messages without files, which most webhooks lack. The parameter has their rows, and says
 * of each whether it is kept for the files around it only.
 */
const contextsOf = (parameter: string): string => `c as (
  insert into context (id, channel, message_id, kind, direction, person, chat, sender, name, text, latitude, longitude, sent_at,
                       received_at, is_provisional, person_name, chat_name, person_alias)
  select x.id, d.channel, x.message_id, x.kind, x.direction, x.person, x.chat, x.sender, x.name, x.text, x.latitude, x.longitude,
         x.sent_at, d.received_at, x.is_provisional, x.person_name, x.chat_name, x.person_alias
  from json_to_recordset(${parameter}::json) as x (id uuid, delivery_id uuid, message_id text, kind text, direction text, person text,
         chat text, sender text, name text, text text, latitude float8, longitude float8, sent_at timestamptz,
         is_provisional boolean, person_name text, chat_name text, person_alias text)
  join d on d.id = x.delivery_id
  order by d.channel, x.message_id
  on conflict (channel, message_id) do nothing
),
`;

/**
 * Whether a stored file is the same as one of a webhook, of one kind and in one message. A message that was
 * sent from here has a file without a key, which its echo brings again with one. Written so that the unique
 * index finds the file: one message may have thousands.
 */
function isSameFile(stored: string, brought: string): string {
  const position = `${brought}.position::text`;
  return `coalesce(${stored}.file_key, ${stored}.position::text)
            = any(array[coalesce(${brought}.file_key, ${position}), ${position}])
          and (${stored}.file_key is null or ${stored}.file_key = ${brought}.file_key)`;
}

const newText = (contexts: string): string =>
  statement(
    `
  insert into delivery (id, channel, provider, content_hash, body, headers, outcome, reason, received_at)
  select x.id, x.channel, x.provider, decode(x.content_hash, 'hex'), substring($7::bytea from x.body_from for x.body_bytes),
         x.headers, x.outcome,
         x.reason, x.received_at
  from json_to_recordset($1::json) as x (${deliveryColumns})
  order by x.channel, x.content_hash
  on conflict (channel, content_hash) do nothing
  returning id, channel, provider, received_at`,
    'm',
    { contexts },
  );

/** The statement with the rows of messages without files is planned only where there are any. */
const newStatements = {
  plain: { name: 'inbox', text: newText('') },
  withContexts: { name: 'inbox-contexts', text: newText(contextsOf('$8')) },
} as const;

/**
 * Also finds existing messages, which the ordinary statement does not do because only a few webhooks need it.
 * Of an emptied delivery, statuses are stored for messages that exist or are new: the erasure has deleted
 * those of all other messages.
 */
const moreText = (contexts: string): string =>
  statement(
    `
  select delivery.id, delivery.channel, delivery.provider, delivery.received_at, delivery.erased_at
  from json_to_recordset($1::json) as x (${deliveryColumns})
  join delivery on delivery.id = x.id`,
    `(
    select id, channel, message_id, sender, chat from m
    union
    select message.id, message.channel, message.message_id, message.sender, message.chat
    from json_to_recordset($2::json) as y (delivery_id uuid, message_id text)
    join d on d.id = y.delivery_id
    join message on message.channel = d.channel and message.message_id = y.message_id and message.erased_at is null
  )`,
    {
      isMissing: `x.file_key is null or not exists (select from media where media.message_row_id = owner.id and media.kind = x.kind
        and ${isSameFile('media', 'x')})`,
      storesStatus: `(d.erased_at is null
      or exists (select from m where m.channel = d.channel and m.message_id = x.message_id)
      or exists (select from message where message.channel = d.channel and message.message_id = x.message_id
                   and message.erased_at is null)
      or exists (select from outbound where outbound.channel = d.channel and outbound.erased_at is null
                   and outbound.message_id = x.message_id)
      or exists (select from outbound where outbound.erased_at is null and outbound.id = ${ownIdIn('x.message_id')}))`,
      contexts,
    },
  );

const moreStatements = {
  plain: { name: 'inbox-more', text: moreText('') },
  withContexts: { name: 'inbox-more-contexts', text: moreText(contextsOf('$7')) },
} as const;

/** Writes deliveries with new content and the rows of new messages: all of them or none. */
export async function insertNew(
  connection: Connection,
  entries: readonly InboxEntry[],
): Promise<Written | 'all'> {
  // The bodies are sent as concatenated bytes: encoded in JSON, they would cost more than everything else.
  const bodies = Buffer.concat(entries.map(({ body }) => body));
  const contexts = contextRows(entries);
  const values = [...parametersOf(entries), bodies];
  if (contexts.length === 0) return insert(connection, newStatements.plain, values);
  return insert(connection, newStatements.withContexts, [...values, JSON.stringify(contexts)]);
}

/**
 * Writes rows of existing deliveries, also of existing messages. The messages and the deliveries must be
 * locked, so that none of them is erased meanwhile.
 */
export async function insertMore(
  connection: Connection,
  entries: readonly InboxEntry[],
): Promise<Written | 'all'> {
  const contexts = contextRows(entries);
  const values = parametersOf(entries);
  if (contexts.length === 0) return insert(connection, moreStatements.plain, values);
  return insert(connection, moreStatements.withContexts, [...values, JSON.stringify(contexts)]);
}

/**
 * Adds the jobs for messages that their senders deleted; the jobs wait for messages that have not arrived
 * yet.
 */
export async function addDeletions(connection: Connection, entries: readonly InboxEntry[]): Promise<void> {
  const rows = entries.flatMap(({ channel, deletions }) => deletions.map((row) => ({ ...row, channel })));
  if (rows.length === 0) return;
  await connection.query({
    ...timeout,
    name: 'inbox-deletions',
    text: addDeletionJobs(`
      select distinct on (channel, message_id) channel, message_id, at, 0 as tries
      from json_to_recordset($1::json) as x (channel text, message_id text, at text)`),
    values: [JSON.stringify(rows)],
  });
}

/**
 * Nearly always everything is new, and then no ids are returned, because reading them is surprisingly
 * expensive.
 */
async function insert(
  connection: Connection,
  prepared: { readonly name: string; readonly text: string },
  values: readonly unknown[],
): Promise<Written | 'all'> {
  const { rows } = await connection.query<{ deliveries: string[] | null; media: string[] | null }>({
    ...prepared,
    ...timeout,
    values: [...values],
  });
  const { deliveries, media } = rows[0] ?? { deliveries: [], media: [] };
  return deliveries && media ? { deliveries: new Set(deliveries), media: new Set(media) } : 'all';
}

function contextRows(entries: readonly InboxEntry[]): ContextRow[] {
  return entries.flatMap(({ contexts }) => contexts);
}

function parametersOf(entries: readonly InboxEntry[]): unknown[] {
  const media = entries.flatMap((entry) => entry.media);
  return [
    JSON.stringify(deliveryRows(entries)),
    JSON.stringify(entries.flatMap((entry) => entry.messages)),
    JSON.stringify(media),
    JSON.stringify(entries.flatMap((entry) => entry.statuses)),
    entries.length,
    media.length,
  ];
}

function deliveryRows(entries: readonly InboxEntry[]): object[] {
  let offset = 1; // SQL counts from one.
  return entries.map((entry) => {
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
}

/** What is stored of an entry, whichever delivery brought it. */
export interface StoredEntry {
  readonly delivery: string;
  readonly media: readonly string[];
  /**
   * Whether something must still be written: an erased media item must be removed from this delivery, or a
   * link has changed.
   */
  readonly isBehind: boolean;
}

/**
 * Whether a webhook (`wanted`, of the delivery `delivery`) brings another link or reference that the media
 * item should use. A media item with bytes keeps them. While it waits for an attempt, it only takes the link
 * of a later delivery; after its last attempt, it takes any other link. Ids sort by time, and the id of a
 * media item is created when its first link is received.
 */
const takesLink = (delivery: string): string => `
  coalesce(wanted.source_url, wanted.source_reference) is not null
  and (wanted.source_url, wanted.source_reference) is distinct from (media.source_url, media.source_reference)
  and (media.state in ('rejected', 'failed')
       or media.state = 'pending' and ${delivery} > coalesce(media.source_delivery_id, media.id))`;

/** Finds what is stored of the entries, by the entry's id. */
export async function findStored(
  connection: Connection,
  entries: readonly InboxEntry[],
): Promise<Map<string, StoredEntry>> {
  const { rows } = await connection.query<StoredEntry & { entry: string }>({
    ...timeout,
    name: 'inbox-stored',
    text: `
      select x.id as entry, d.id as delivery, found.media, found.behind as "isBehind"
      from json_to_recordset($1::json) as x (id uuid, channel text, content_hash text, media json)
      join delivery as d on d.channel = x.channel and d.content_hash = decode(x.content_hash, 'hex')
      cross join lateral (
        select coalesce(array_agg(media.id order by wanted.place), '{}') as media,
               coalesce(bool_or(case when media.state = 'erased' then d.erased_at is null else ${takesLink('d.id')} end),
                        false) as behind
        from rows from (json_to_recordset(x.media) as (message_id text, kind text, position int, file_key text,
                          source_url text, source_reference text))
               with ordinality as wanted (message_id, kind, position, file_key, source_url, source_reference, place)
        join message on message.channel = x.channel and message.message_id = wanted.message_id
        join media on media.message_row_id = message.id and media.kind = wanted.kind and ${isSameFile('media', 'wanted')}
      ) as found`,
    values: [
      JSON.stringify(
        entries.map(({ id, channel, contentHash, media }) => ({
          id,
          channel,
          content_hash: contentHash,
          media: media.map(({ message_id, kind, position, file_key, source_url, source_reference }) => ({
            message_id,
            kind,
            position,
            file_key,
            source_url,
            source_reference,
          })),
        })),
      ),
    ],
  });
  return new Map(rows.map(({ entry, ...stored }) => [entry, stored]));
}

/**
 * Waits for running erasures of the existing messages that the entries name, and prevents others until the
 * transaction ends.
 */
export async function lockMessages(connection: Connection, entries: readonly InboxEntry[]): Promise<void> {
  await connection.query({
    ...timeout,
    name: 'inbox-lock',
    text: `
      select from json_to_recordset($1::json) as x (channel text, message_id text)
      join message on message.channel = x.channel and message.message_id = x.message_id
      order by message.id for share of message`,
    values: [JSON.stringify(messagesOf(entries))],
  });
}

/** A delivery whose raw bytes were erased. */
export interface Emptied {
  readonly id: string;
  readonly receivedAt: Date;
}

/**
 * Locks the deliveries of the entries, so that they are not emptied before the transaction ends, and resolves
 * to those that are empty already.
 */
export async function lockDeliveries(
  connection: Connection,
  entries: readonly InboxEntry[],
): Promise<Emptied[]> {
  const { rows } = await connection.query<Emptied & { isEmpty: boolean }>({
    ...timeout,
    name: 'inbox-lock-deliveries',
    text: `
      select id, received_at as "receivedAt", erased_at is not null as "isEmpty" from delivery
      where id = any($1) order by id for no key update`,
    values: [entries.map(({ id }) => id)],
  });
  return rows.filter(({ isEmpty }) => isEmpty);
}

/** The pseudonyms among these of people who were erased since the moment. */
export async function findErased(
  connection: Connection,
  {
    channel,
    pseudonyms,
    since,
  }: { readonly channel: string; readonly pseudonyms: readonly string[]; readonly since: Date },
): Promise<string[]> {
  const { rows } = await connection.query<{ target: string }>({
    ...timeout,
    name: 'inbox-erased',
    text: `
      select distinct target from audit_entry
      where action = 'contact.erase' and channel = $1 and target = any($2) and id >= $3`,
    values: [channel, pseudonyms, lowestIdAt(since)],
  });
  return rows.map(({ target }) => target);
}

function messagesOf(entries: readonly InboxEntry[]): object[] {
  return entries.flatMap(({ id, channel, messages }) =>
    messages.map(({ message_id }) => ({ delivery_id: id, channel, message_id })),
  );
}

/**
 * Replaces the links of media without bytes, and adds their jobs. A running attempt with the old link
 * continues: see `sourceDelivery` in media.ts. The messages must be locked. Media are looked up one by one,
 * because without statistics the planner would compare all failed media with all entries, up to ten thousand
 * each.
 */
export async function replaceLinks(connection: Connection, entries: readonly InboxEntry[]): Promise<void> {
  const links = entries.flatMap(({ id, channel, media }) =>
    media
      .filter((row) => row.source_url !== null || row.source_reference !== null)
      .map((row) => ({ ...row, delivery_id: id, channel })),
  );
  if (links.length === 0) return;
  await connection.query({
    ...timeout,
    name: 'inbox-links',
    text: `
      with x as (
        select distinct on (channel, message_id, kind, coalesce(file_key, position::text)) *
        from json_to_recordset($1::json) as y (delivery_id uuid, channel text, message_id text, kind text, position int,
               file_key text, source_url text, source_reference text, source_expires_at timestamptz,
               source_credentials boolean, declared_type text, declared_sha256 text, filename text)
        order by channel, message_id, kind, coalesce(file_key, position::text), delivery_id desc
      ),
      found as materialized (
        select media.id, wanted.* from x as wanted
        cross join lateral (
          select id from message
          where channel = wanted.channel and message_id = wanted.message_id and erased_at is null offset 0) as message
        cross join lateral (
          select id, state, source_url, source_reference, source_delivery_id from media as one
          where message_row_id = message.id and kind = wanted.kind and ${isSameFile('one', 'wanted')} offset 0) as media
        where ${takesLink('wanted.delivery_id')}
      ),
      locked as (
        select wanted.* from found as wanted join media on media.id = wanted.id order by media.id for update of media
      ),
      m as (
        update media set state = 'pending', source_url = wanted.source_url, source_reference = wanted.source_reference,
                         source_expires_at = wanted.source_expires_at, source_credentials = wanted.source_credentials, source_delivery_id = wanted.delivery_id,
                         declared_type = coalesce(wanted.declared_type, media.declared_type),
                         declared_sha256 = wanted.declared_sha256, filename = coalesce(wanted.filename, media.filename),
                         attempts = 0, decodings = 0, next_attempt_at = now(), error_code = null, error_message = null
        from locked as wanted
        where media.id = wanted.id and ${takesLink('wanted.delivery_id')}
        returning media.id, now() as run_at, ${String(priorities.first)} as priority
      )
      ${addFetchJobs('select id, run_at, priority from m')}`,
    values: [JSON.stringify(links)],
  });
}

/** Stores the outcomes of deliveries that were read again. */
export async function updateOutcomes(connection: Connection, entries: readonly InboxEntry[]): Promise<void> {
  await connection.query({
    ...timeout,
    name: 'inbox-outcomes',
    text: `
      with x as (select * from json_to_recordset($1::json) as y (id uuid, outcome text, reason text)),
      locked as (
        select delivery.id from delivery join x on x.id = delivery.id
        where erased_at is null and (delivery.outcome, delivery.reason) is distinct from (x.outcome, x.reason)
        order by delivery.id for update of delivery
      )
      update delivery set outcome = x.outcome, reason = x.reason from x
      where delivery.id = x.id and delivery.id in (select id from locked) and erased_at is null`,
    values: [JSON.stringify(entries.map(({ id, outcome, reason }) => ({ id, outcome, reason })))],
  });
}

/**
 * Empties the raw deliveries of entries that name an erased message, or a message with erased media. The
 * messages must be locked by an earlier statement: only then does this one see every erasure that was
 * committed before the locks.
 */
export async function emptyDeliveries(connection: Connection, entries: readonly InboxEntry[]): Promise<void> {
  await connection.query({
    ...timeout,
    name: 'inbox-redelivered',
    text: `
      with named as (
        select x.delivery_id from json_to_recordset($1::json) as x (delivery_id uuid, channel text, message_id text)
        join message on message.channel = x.channel and message.message_id = x.message_id
        where message.erased_at is not null
           or exists (select from media where media.message_row_id = message.id and media.state = 'erased')
      ),
      locked as (
        select id from delivery where id in (select delivery_id from named) and erased_at is null order by id for update
      )
      update delivery set body = '', headers = '{}', reason = null, erased_at = now()
      where id in (select id from locked)`,
    values: [JSON.stringify(messagesOf(entries))],
  });
}
