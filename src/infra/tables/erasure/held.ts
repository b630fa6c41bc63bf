/**
 * What a legal hold keeps of that which is about to be erased. All of it is asked in the transaction of the
 * erasure, with {@link keepHoldsOut}: functions of the database and locked rows, in SQL.
 */
import { lowestIdAt, momentOf } from '../../../domain/id.js';
import type { Transaction } from '../../postgres/database.js';
import { heldError } from '../holds.js';
import type { Contacts } from './locks.js';
import { findMentioning } from './speaking-deliveries.js';

type Connection = Pick<Transaction, 'query'>;

/** The hold that keeps each of them, by their ids; those that nothing keeps are left out. */
export type Held = ReadonlyMap<string, string>;

/** A message is written with its delivery; one that came through the spool may be written later. */
const maxMessageDelayMs = 3_600_000;

/** Throws `hold.active` if one of them is held. */
export function refuseHeld(held: Held): void {
  const [hold] = held.values();
  if (hold !== undefined) throw heldError(hold);
}

async function isAnyHold(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ any: boolean }>(
    'select exists (select from legal_hold) as "any"',
  );
  return rows[0]?.any === true;
}

export async function findHeldMedia(connection: Connection, ids: readonly string[]): Promise<Held> {
  if (ids.length === 0 || !(await isAnyHold(connection))) return new Map();
  const { rows } = await connection.query<Kept>(
    `select media.id, kept.hold from unnest($1::uuid[]) as media (id)
     cross join lateral (select hold from holds_of_media(media.id) as of_media (hold) order by hold limit 1) as kept`,
    [ids],
  );
  return byId(rows);
}

/**
 * Throws `hold.active` if the person or the group is held, or something of it by another hold: a text in a
 * chat that is held, or a file that was sent to it.
 */
export async function refuseHeldContacts(
  connection: Connection,
  { channel, contacts }: Contacts,
): Promise<void> {
  if (!(await isAnyHold(connection))) return;
  const { rows } = await connection.query<{ hold: string }>(
    `select hold from holds_of_contacts($1, $2) as of_contacts (hold)
     union all
     select of_contacts.hold from (
       select distinct person, chat, sender from context
       where channel = $1 and erased_at is null and (person = any($2) or chat = any($2) or sender = any($2))
     ) as context cross join lateral holds_of_contacts($1, array[person, chat, sender]) as of_contacts (hold)
     union all
     select of_media.hold from outbound cross join lateral holds_of_media(outbound.media_id) as of_media (hold)
     where outbound.channel = $1 and outbound.recipient = any($2) and outbound.media_id is not null
     limit 1`,
    [channel, contacts],
  );
  const [found] = rows;
  if (found) throw heldError(found.hold);
}

/**
 * Raw webhooks that brought a held message or file, and those that mention a held person or chat: what the
 * erasure of that person would erase.
 */
export async function findHeldDeliveries(connection: Connection, ids: readonly string[]): Promise<Held> {
  if (ids.length === 0 || !(await isAnyHold(connection))) return new Map();
  const held = new Map(await findBringing(connection, ids));
  for (const { hold, contact, channel } of await findHeldContacts(connection, ids)) {
    const unknown = ids.filter((id) => !held.has(id));
    for (const id of await findMentioning(connection, { ids: unknown, channel, contact })) held.set(id, hold);
  }
  return held;
}

/**
 * Those that brought a message, or the link that a media item uses. Ids of messages sort by time like those of
 * their deliveries, so that a part of the table is read.
 */
async function findBringing(connection: Connection, ids: readonly string[]): Promise<Held> {
  const sorted = ids.toSorted();
  const last = momentOf(sorted.at(-1) ?? '').getTime() + maxMessageDelayMs;
  const { rows } = await connection.query<Kept>(
    `select brought.delivery as id, kept.hold from (
       select message.delivery_id, media.id from message join media on media.message_row_id = message.id
       where message.id > $2 and message.id < $3 and message.delivery_id = any($1)
       union all
       select source_delivery_id, id from media where source_delivery_id = any($1)
     ) as brought (delivery, media) cross join lateral (
       select hold from holds_of_media(brought.media) as of_media (hold) order by hold limit 1
     ) as kept`,
    [ids, sorted[0], lowestIdAt(new Date(last))],
  );
  return byId(rows);
}

interface HeldContact {
  readonly hold: string;
  readonly channel: string;
  readonly contact: string;
}

/** All ids of the people and chats that are held in the channels of these deliveries. */
async function findHeldContacts(
  connection: Connection,
  deliveries: readonly string[],
): Promise<readonly HeldContact[]> {
  const { rows } = await connection.query<HeldContact>(
    `select hold.id as hold, hold.channel, of_hold.contact from legal_hold as hold cross join lateral (
       select unnest(hold.ids)
       union
       select unnest(person.ids) from person_id as known
       join person on person.channel = known.channel and person.key = known.key
       where known.channel = hold.channel and known.person = any(hold.ids)
     ) as of_hold (contact)
     where hold.type in ('person', 'chat') and hold.channel in (select channel from delivery where id = any($1))`,
    [deliveries],
  );
  return rows;
}

interface Kept {
  readonly id: string;
  readonly hold: string;
}

function byId(rows: readonly Kept[]): Held {
  return new Map(rows.map(({ id, hold }) => [id, hold]));
}
