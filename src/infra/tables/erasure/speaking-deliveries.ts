/**
 * Which raw webhooks of a channel speak of a person or of a message. Locks nothing: they are looked for before an erasure begins, and again
 * after it. Searching bytes, and rows by the transaction that wrote them, needs SQL.
 */
import { lowestIdAt } from '../../../domain/id.js';
import type { Pool } from '../../postgres/database.js';
import { holdsParts, holdsWhole, mayHold, mentionIn } from './body-search.js';

export interface Speaking {
  readonly ids: readonly string[];
  /** Whether one of them names the person in a field for persons. */
  readonly named: boolean;
}

export interface SpeakingQuestion {
  readonly channel: string;
  readonly contact: string;
  /** Only those that were written after the mark was made; by default all. */
  readonly since?: SearchMark | undefined;
}

/** A moment among the transactions of the database. */
export interface SearchMark {
  /** Raw webhooks that are committed later have ids of this time or later. */
  readonly from: Date;
  /** Everything that an older transaction wrote was visible when the mark was made. */
  readonly oldestTransaction: string;
}

/** A webhook may be committed so much later than others that came with it, when it lay in the spool. */
export const latestMs = 86_400_000;

/** To be made before a search, so that the next one need not look at everything again. */
export async function makeMark(pool: Pick<Pool, 'query'>): Promise<SearchMark> {
  const from = new Date(Date.now() - latestMs);
  const { rows } = await pool.query<{ oldest: string }>(
    'select pg_snapshot_xmin(pg_current_snapshot())::xid::text as oldest',
  );
  return { from, oldestTransaction: rows[0]?.oldest ?? '0' };
}

/**
 * A condition on deliveries that were written after a mark and fit another condition; the parameter is the mark's transaction, or null
 * for all. Bodies are slow to search: `case` sees to it that those of older rows are not.
 */
export function writtenSince(parameter: number, condition: string): string {
  const oldest = `$${String(parameter)}::text`;
  return `case when ${oldest} is null or age(xmin) <= age(${oldest}::xid) then ${condition} else false end`;
}

/** Bodies that are read at once: bounds memory, and for how long the event loop is busy with their JSON. */
const deliveriesAtOnce = 100;
const bytesAtOnce = 1_048_576;

export async function findSpeaking(
  pool: Pick<Pool, 'query'>,
  { channel, contact, since }: SpeakingQuestion,
): Promise<Speaking> {
  const { sql, values } = mayHold(contact, 4);
  const { rows: candidates } = await pool.query<Candidate>(
    `select id, octet_length(body) as bytes from delivery
     where channel = $1 and id >= $2 and erased_at is null and ${writtenSince(3, sql)} order by id`,
    [channel, lowestIdAt(since?.from ?? new Date(0)), since?.oldestTransaction ?? null, ...values],
  );
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

/** A raw webhook, to be read by its channel. */
export interface RawDelivery {
  readonly id: string;
  readonly channel: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAt: Date;
}

/** Ids of the messages that a raw webhook speaks of; undefined where nobody can read it. */
export type MessageIdsIn = (delivery: RawDelivery) => readonly string[] | undefined;

export interface NamingQuestion {
  readonly channel: string;
  readonly messageId: string;
  /** Only those with ids of this time or later. */
  readonly from: Date;
  /** Only those that were written after the mark was made; by default all. */
  readonly since?: SearchMark | undefined;
}

/** Ids of the raw webhooks that name the message. One that cannot be read names it if it holds all parts of the id. */
export async function findNaming(
  pool: Pick<Pool, 'query'>,
  { channel, messageId, from, since }: NamingQuestion,
  messageIdsIn: MessageIdsIn,
): Promise<string[]> {
  const whole = holdsWhole(messageId, 4);
  const parts = holdsParts(messageId, 4 + whole.values.length);
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
      if (messageIdsIn(delivery)?.includes(messageId) ?? true) ids.push(delivery.id);
  }
  return ids;
}

interface Candidate {
  readonly id: string;
  readonly bytes: number;
}

function* inPortions(candidates: readonly Candidate[]): Generator<string[]> {
  let portion: string[] = [];
  let portionBytes = 0;
  for (const { id, bytes } of candidates) {
    if (portion.length === deliveriesAtOnce || (portion.length > 0 && portionBytes + bytes > bytesAtOnce)) {
      yield portion;
      portion = [];
      portionBytes = 0;
    }
    portion.push(id);
    portionBytes += bytes;
  }
  if (portion.length > 0) yield portion;
}
