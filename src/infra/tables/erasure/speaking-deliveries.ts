/**
 * Finds the raw webhooks of a channel that mention a person or a message. It locks nothing: the search runs
 * before an erasure begins, and again after it. Searching bytes, and rows by the transaction that wrote them,
 * needs SQL.
 */
import { lowestIdAt } from '../../../domain/id.js';
import type { Pool } from '../../postgres/database.js';
import { groupSize } from '../../scheduling/group-size.js';
import { containsParts, containsWhole, mayMention, mentionIn } from './body-search.js';

export interface SpeakingDeliveries {
  readonly ids: readonly string[];
  /** Whether one of them names the person in a field for people. */
  readonly named: boolean;
}

interface SpeakingQuery {
  readonly channel: string;
  readonly contact: string;
  /** Restricts the search to webhooks that were written after the mark was made. */
  readonly since?: SearchMark | undefined;
}

/** A point in the sequence of the database's transactions. */
export interface SearchMark {
  /** Raw webhooks that are committed later have ids from this time or later. */
  readonly from: Date;
  /** Everything that older transactions wrote was visible when the mark was made. */
  readonly oldestTransaction: string;
}

/** The longest time for which a webhook is expected to wait in the spool before it is committed. */
export const maxSpoolMs = 86_400_000;

/** Made before a search, so that the next search does not have to read everything again. */
export async function makeMark(pool: Pick<Pool, 'query'>): Promise<SearchMark> {
  const from = new Date(Date.now() - maxSpoolMs);
  const { rows } = await pool.query<{ oldest: string }>(
    'select pg_snapshot_xmin(pg_current_snapshot())::xid::text as oldest',
  );
  return { from, oldestTransaction: rows[0]?.oldest ?? '0' };
}

/**
 * A condition for deliveries that were written after a mark and fit another condition. The parameter contains
 * the mark's transaction, or null for all deliveries. Searching bodies is slow: `case` makes sure that the
 * bodies of older rows are not searched.
 */
export function writtenSince(parameter: number, condition: string): string {
  const oldest = `$${String(parameter)}::text`;
  return `case when ${oldest} is null or age(xmin) <= age(${oldest}::xid) then ${condition} else false end`;
}

/**
 * The bodies that are read at once, which limits memory and the time for which their JSON blocks the event
 * loop.
 */
const maxPortion = { deliveries: 100, bytes: 1_048_576 } as const;

export async function findSpeaking(
  pool: Pick<Pool, 'query'>,
  { channel, contact, since }: SpeakingQuery,
): Promise<SpeakingDeliveries> {
  const { sql, values } = mayMention(contact, 4);
  const { rows: candidates } = await pool.query<Candidate>(
    `select id, octet_length(body) as bytes from delivery
     where channel = $1 and id >= $2 and erased_at is null and ${writtenSince(3, sql)} order by id`,
    [channel, lowestIdAt(since?.from ?? new Date(0)), since?.oldestTransaction ?? null, ...values],
  );
  return readMentions(pool, candidates, contact);
}

interface MentioningQuery {
  /** The deliveries to look through, those of other channels excepted. */
  readonly ids: readonly string[];
  readonly channel: string;
  readonly contact: string;
}

/** Those of some raw webhooks that mention the person. */
export async function findMentioning(
  pool: Pick<Pool, 'query'>,
  { ids, channel, contact }: MentioningQuery,
): Promise<readonly string[]> {
  const { sql, values } = mayMention(contact, 3);
  const { rows: candidates } = await pool.query<Candidate>(
    `select id, octet_length(body) as bytes from delivery where id = any($1) and channel = $2 and ${sql} order by id`,
    [ids, channel, ...values],
  );
  return (await readMentions(pool, candidates, contact)).ids;
}

/** Reads the bodies, because only their JSON says whether they mention the person. */
async function readMentions(
  pool: Pick<Pool, 'query'>,
  candidates: readonly Candidate[],
  contact: string,
): Promise<SpeakingDeliveries> {
  const ids: string[] = [];
  let named = false;
  for (const some of inPortions(candidates)) {
    const { rows } = await pool.query<{ id: string; body: Buffer }>(
      'select id, body from delivery where id = any($1) order by id',
      [some],
    );
    for (const { id, body } of rows) {
      const mention = mentionIn(body, contact);
      if (mention !== undefined) ids.push(id);
      named ||= mention === 'named';
    }
  }
  return { ids, named };
}

/** A raw webhook that its channel parses. */
export interface RawDelivery {
  readonly id: string;
  readonly channel: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAt: Date;
}

/** Resolves to the ids of the messages that a raw webhook mentions; undefined if it cannot be parsed. */
export type MessageIdsIn = (delivery: RawDelivery) => Promise<readonly string[] | undefined>;

interface NamingQuery {
  readonly channel: string;
  readonly messageId: string;
  /** Restricts the search to ids from this time or later. */
  readonly from: Date;
  /** Restricts the search to webhooks that were written after the mark was made. */
  readonly since?: SearchMark | undefined;
}

/**
 * Resolves to the ids of the raw webhooks that name the message. A webhook that cannot be parsed names it if
 * it contains all parts of the id.
 */
export async function findNaming(
  pool: Pick<Pool, 'query'>,
  { channel, messageId, from, since }: NamingQuery,
  messageIdsIn: MessageIdsIn,
): Promise<string[]> {
  const whole = containsWhole(messageId, 4);
  const parts = containsParts(messageId, 4 + whole.values.length);
  const { rows: candidates } = await pool.query<Candidate & { isNamed: boolean }>(
    `select id, octet_length(body) as bytes, ${whole.sql} as "isNamed" from delivery
     where channel = $1 and id >= $2 and erased_at is null and ${writtenSince(3, `(${whole.sql} or ${parts.sql})`)}
     order by id`,
    [channel, lowestIdAt(from), since?.oldestTransaction ?? null, ...whole.values, ...parts.values],
  );
  const ids = candidates.filter(({ isNamed }) => isNamed).map(({ id }) => id);
  for (const some of inPortions(candidates.filter(({ isNamed }) => !isNamed))) {
    const { rows } = await pool.query<RawDelivery>(
      `select id, channel, body, headers, received_at as "receivedAt" from delivery where id = any($1) order by id`,
      [some],
    );
    for (const delivery of rows)
      if ((await messageIdsIn(delivery))?.includes(messageId) ?? true) ids.push(delivery.id);
  }
  return ids;
}

interface Candidate {
  readonly id: string;
  readonly bytes: number;
}

function* inPortions(candidates: readonly Candidate[]): Generator<string[]> {
  for (let start = 0; start < candidates.length;) {
    const upcoming = candidates.slice(start, start + maxPortion.deliveries);
    const count = groupSize(upcoming, ({ bytes }) => ({ bytes }), { bytes: maxPortion.bytes });
    yield upcoming.slice(0, count).map(({ id }) => id);
    start += count;
  }
}
