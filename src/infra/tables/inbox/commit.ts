/**
 * Writes webhooks that are new by one statement, and sees to those that are known: the same delivery again, or a message that comes again
 * in another one, perhaps with another attachment or another link.
 *
 * Locks are taken in this order: messages, media, deliveries. Erasing keeps the same one.
 */
import { newId } from '../../../domain/id.js';
import type { Pseudonym } from '../../../domain/pseudonym.js';
import { repeatConflicts, transaction, undone, type Pool, type Together } from '../../postgres/database.js';
import type { InboxEntry, MessageRow } from './entry.js';
import {
  addDeletions,
  emptyDeliveries,
  findErased,
  findKept,
  insertMore,
  insertNew,
  lockDeliveries,
  lockMessages,
  replaceLinks,
  updateOutcomes,
  type Connection,
  type Kept,
  type Written,
} from './statements.js';

/** What became of an entry. */
export interface Committed {
  /** The id of the kept delivery: an earlier one's when the same came before. */
  readonly delivery: string;
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

/** What webhooks are written with. */
export interface InboxDatabase {
  readonly pool: Pool;
  /** By which the audit trail names those who were erased. */
  readonly pseudonym: Pseudonym;
}

/** Everything but what was known before is new by the first statement, which is all that most webhooks take. */
export async function commitBatch(
  database: InboxDatabase,
  entries: readonly InboxEntry[],
): Promise<readonly Committed[]> {
  const { pool } = database;
  const written = await repeatConflicts(() => insert(pool, entries));
  if (written === 'all') return entries.map(asNew);
  const known = entries.filter((entry) => !isNew(entry, written));
  const kept = await findKept(pool, known);
  const behind = known.filter((entry) => isBehind(entry, kept.get(entry.id)));
  const seenTo = await complete(database, behind, kept);
  return entries.map((entry) => {
    const found = seenTo.get(entry.id) ?? kept.get(entry.id);
    return found ? asKept(entry, found) : asNew(entry);
  });
}

/** One statement; with the jobs of messages that were taken back, which are seldom, a transaction. */
async function insert(pool: Pool, entries: readonly InboxEntry[]): Promise<Written | 'all'> {
  if (entries.every(({ deletions }) => deletions.length === 0)) return insertNew(pool, entries);
  return transaction(pool, async (connection) => {
    const written = await insertNew(connection, entries);
    await addDeletions(connection, entries);
    return written;
  });
}

interface More {
  readonly entry: InboxEntry;
  readonly delivery: string;
  readonly together?: Together | undefined;
}

/** Writes what is missing of an entry whose delivery is there, and locks its messages for that. */
export async function commitMore(
  database: InboxDatabase,
  { entry, delivery, together }: More,
): Promise<Committed> {
  const kept = await complete({ ...database, together }, [entry], new Map([[entry.id, { delivery }]]));
  const found = kept.get(entry.id);
  if (!found) throw new Error('the delivery is gone');
  return { delivery: found.delivery, duplicate: !bringsOwn(entry, found.media), media: found.media };
}

/** Empties the raw delivery of an entry that was written in parts if something that it names was erased. */
export async function emptyErased(
  { pool }: InboxDatabase,
  { entry, delivery }: { readonly entry: InboxEntry; readonly delivery: string },
): Promise<void> {
  const whole = withId(entry, delivery);
  await transaction(pool, async (connection) => {
    await lockMessages(connection, [whole]);
    await emptyDeliveries(connection, [whole]);
  });
}

/** What became of an entry that was written in parts. */
export function receiptOf(entry: InboxEntry, parts: readonly Committed[]): Committed {
  const media = parts.flatMap((one) => one.media);
  return asKept(entry, { delivery: parts[0]?.delivery ?? entry.id, media });
}

/** Writes a webhook with everything that one can have, and takes it back. Rejects as a real one would. */
export async function tryOut(pool: Pool): Promise<void> {
  await transaction(pool, async (connection) => undone(await insertNew(connection, [trial()])));
}

function isNew({ id, media }: InboxEntry, written: Written): boolean {
  return written.deliveries.has(id) && media.every((one) => written.media.has(one.id));
}

function asNew({ id, media }: InboxEntry): Committed {
  return { delivery: id, duplicate: false, media: media.map((one) => one.id) };
}

/** Ids tell whether this entry was the first to bring something. */
function asKept(entry: InboxEntry, { delivery, media }: Pick<Kept, 'delivery' | 'media'>): Committed {
  const isFirst = entry.media.length > 0 ? bringsOwn(entry, media) : delivery === entry.id;
  return { delivery, duplicate: !isFirst, media };
}

function bringsOwn(entry: InboxEntry, kept: readonly string[]): boolean {
  const own = new Set(entry.media.map(({ id }) => id));
  return kept.some((id) => own.has(id));
}

/** Whether something is left to do for an entry that is known, which is seldom. */
function isBehind(entry: InboxEntry, kept: Kept | undefined): boolean {
  if (!kept) return false;
  // This delivery is new and a message of it is not: it may be erased just now, by an erasure that has not seen this delivery.
  const isRedelivered = kept.delivery === entry.id;
  return isRedelivered || kept.isBehind || kept.media.length < entry.media.length;
}

/** Everything that known entries bring is there when this resolves, and nothing of what was erased. */
async function complete(
  { pool, pseudonym, together }: InboxDatabase & Pick<More, 'together'>,
  entries: readonly InboxEntry[],
  kept: ReadonlyMap<string, Pick<Kept, 'delivery'>>,
): Promise<Map<string, Kept>> {
  if (entries.length === 0) return new Map();
  const again = entries.map((entry) => withId(entry, kept.get(entry.id)?.delivery ?? entry.id));
  return transaction(pool, async (connection) => {
    await lockMessages(connection, again);
    const written = await insertMore(connection, await withoutErased(connection, again, pseudonym));
    if (written !== 'all') await replaceLinks(connection, again);
    await addDeletions(connection, again);
    await updateOutcomes(connection, again);
    // Nothing more is read from a delivery that is empty: a part leaves that to `emptyErased`.
    const whole = again.filter(({ isPart }) => isPart !== true);
    if (whole.length > 0) await emptyDeliveries(connection, whole);
    await together?.(connection);
    if (written === 'all')
      return new Map(entries.map((entry, place) => [entry.id, asWritten(entry, again[place])]));
    return findKept(connection, entries);
  });
}

/**
 * The entries without messages of people who were erased since their webhooks came. Such an erasure has emptied the delivery, perhaps
 * while it was being written, and could leave no tombstone for a message that was still to be written.
 */
async function withoutErased(
  connection: Connection,
  entries: readonly InboxEntry[],
  pseudonym: Pseudonym,
): Promise<readonly InboxEntry[]> {
  const emptied = new Map((await lockDeliveries(connection, entries)).map((one) => [one.id, one.receivedAt]));
  const remaining: InboxEntry[] = [];
  for (const entry of entries) {
    const since = emptied.get(entry.id);
    remaining.push(since ? await withoutErasedSince(connection, { entry, since }, pseudonym) : entry);
  }
  return remaining;
}

async function withoutErasedSince(
  connection: Connection,
  { entry, since }: { readonly entry: InboxEntry; readonly since: Date },
  pseudonym: Pseudonym,
): Promise<InboxEntry> {
  const { channel } = entry;
  const namesOf = ({ sender, recipient, chat }: MessageRow): string[] =>
    [sender, recipient, chat].flatMap((contact) => (contact === null ? [] : [pseudonym(channel, contact)]));
  const pseudonyms = [...new Set(entry.messages.flatMap(namesOf))];
  const erased = new Set(await findErased(connection, { channel, pseudonyms, since }));
  const messages = entry.messages.filter((row) => !namesOf(row).some((name) => erased.has(name)));
  return { ...entry, messages };
}

/** Everything of the entry is new, in the delivery of `again`. */
function asWritten(entry: InboxEntry, again: InboxEntry | undefined): Kept {
  return {
    delivery: again?.id ?? entry.id,
    media: entry.media.map(({ id }) => id),
    isBehind: false,
  };
}

/** The entry as that of another delivery: the one that is kept of the same content. */
function withId(entry: InboxEntry, id: string): InboxEntry {
  const owned = <Row extends object>(rows: readonly Row[]): (Row & { delivery_id: string })[] =>
    rows.map((row) => ({ ...row, delivery_id: id }));
  const { messages, media, statuses, deletions } = entry;
  return {
    ...entry,
    id,
    messages: owned(messages),
    media: owned(media),
    statuses: owned(statuses),
    deletions: owned(deletions),
  };
}

/** A webhook of nobody, which no content is equal to. */
function trial(): InboxEntry {
  const id = newId();
  return {
    id,
    channel: '',
    provider: '',
    contentHash: id.replaceAll('-', ''),
    body: Buffer.alloc(0),
    headers: {},
    outcome: 'accepted',
    reason: null,
    receivedAt: new Date().toISOString(),
    messages: [
      {
        id: newId(),
        delivery_id: id,
        message_id: id,
        direction: 'inbound',
        sender: '',
        recipient: null,
        chat: null,
        sender_name: null,
        caption: null,
        sent_at: null,
      },
    ],
    media: [
      {
        id: newId(),
        delivery_id: id,
        message_id: id,
        position: 0,
        direction: 'inbound',
        kind: 'image',
        state: 'pending',
        source_url: '',
        source_expires_at: null,
        source_credentials: false,
        declared_type: null,
        declared_sha256: null,
        filename: null,
        error_code: null,
        error_message: null,
      },
    ],
    statuses: [
      { delivery_id: id, message_id: id, status: 'sent', at: null, error_code: null, error_message: null },
    ],
    deletions: [],
  };
}
