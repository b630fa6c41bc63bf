/**
 * Writes new webhooks with one statement, and handles known ones: a repeated delivery, or a message that
 * arrives again in another delivery, perhaps with another attachment or another link.
 *
 * Locks are taken in this order: messages, media, deliveries. An erasure uses the same order.
 */
import { AppError } from '../../../domain/errors.js';
import { newId } from '../../../domain/id.js';
import type { Pseudonym } from '../../../domain/pseudonym.js';
import { repeatConflicts, transaction, undone, type Pool, type Together } from '../../postgres/database.js';
import type { InboxEntry, MessageRow } from './entry.js';
import {
  addDeletions,
  emptyDeliveries,
  findErased,
  findStored,
  insertMore,
  insertNew,
  lockDeliveries,
  lockMessages,
  replaceLinks,
  updateOutcomes,
  type Connection,
  type StoredEntry,
  type Written,
} from './statements.js';

/** The result for an entry. */
export interface Committed {
  /** The id of the stored delivery, which is an earlier one if the same content was received before. */
  readonly delivery: string;
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

/** What the inbox needs to write webhooks. */
export interface InboxDatabase {
  readonly pool: Pool;
  /** The audit trail's names of people who were erased. */
  readonly pseudonym: Pseudonym;
}

/**
 * Writes the entries. The first statement adds everything that is new, which is all that most webhooks need.
 */
export async function commitBatch(
  database: InboxDatabase,
  entries: readonly InboxEntry[],
): Promise<readonly Committed[]> {
  const { pool } = database;
  const written = await repeatConflicts(() => insert(pool, entries));
  if (written === 'all') return entries.map(asNew);
  const known = entries.filter((entry) => !isNew(entry, written));
  const stored = await findStored(pool, known);
  const behind = known.filter((entry) => isBehind(entry, stored.get(entry.id)));
  const completed = await complete(database, behind, stored);
  return entries.map((entry) => {
    const found = completed.get(entry.id) ?? stored.get(entry.id);
    return found ? asStored(entry, found) : asNew(entry);
  });
}

/** One statement, or a transaction with the jobs of deleted messages, which are rare. */
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

/** Locks the messages of an entry whose delivery exists, and writes what is missing. */
export async function commitMore(
  database: InboxDatabase,
  { entry, delivery, together }: More,
): Promise<Committed> {
  const stored = await complete({ ...database, together }, [entry], new Map([[entry.id, { delivery }]]));
  const found = stored.get(entry.id);
  if (!found) throw new AppError('delivery.not_found', 'the delivery no longer exists');
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

/** The result for an entry that was written in parts. */
export function receiptOf(entry: InboxEntry, parts: readonly Committed[]): Committed {
  const media = parts.flatMap((one) => one.media);
  return asStored(entry, { delivery: parts[0]?.delivery ?? entry.id, media });
}

/** Writes a webhook with rows of every kind and rolls back. It fails like a real one. */
export async function tryOut(pool: Pool): Promise<void> {
  await transaction(pool, async (connection) => undone(await insertNew(connection, [trial()])));
}

function isNew({ id, media }: InboxEntry, written: Written): boolean {
  return written.deliveries.has(id) && media.every((one) => written.media.has(one.id));
}

function asNew({ id, media }: InboxEntry): Committed {
  return { delivery: id, duplicate: false, media: media.map((one) => one.id) };
}

/** The ids show whether this entry was the first to bring something. */
function asStored(
  entry: InboxEntry,
  { delivery, media }: Pick<StoredEntry, 'delivery' | 'media'>,
): Committed {
  const isFirst = entry.media.length > 0 ? bringsOwn(entry, media) : delivery === entry.id;
  return { delivery, duplicate: !isFirst, media };
}

function bringsOwn(entry: InboxEntry, stored: readonly string[]): boolean {
  const own = new Set(entry.media.map(({ id }) => id));
  return stored.some((id) => own.has(id));
}

/** Whether something must still be written for a known entry, which is rare. */
function isBehind(entry: InboxEntry, stored: StoredEntry | undefined): boolean {
  if (!stored) return false;
  // This delivery is new, but one of its messages is not. An erasure that has not seen this delivery may be
  // erasing the message now.
  const isRedelivered = stored.delivery === entry.id;
  return isRedelivered || stored.isBehind || stored.media.length < entry.media.length;
}

/** When it resolves, everything that the known entries bring is stored, and nothing of what was erased. */
async function complete(
  { pool, pseudonym, together }: InboxDatabase & Pick<More, 'together'>,
  entries: readonly InboxEntry[],
  stored: ReadonlyMap<string, Pick<StoredEntry, 'delivery'>>,
): Promise<Map<string, StoredEntry>> {
  if (entries.length === 0) return new Map();
  const again = entries.map((entry) => withId(entry, stored.get(entry.id)?.delivery ?? entry.id));
  return transaction(pool, async (connection) => {
    await lockMessages(connection, again);
    const written = await insertMore(connection, await withoutErased(connection, again, pseudonym));
    if (written !== 'all') await replaceLinks(connection, again);
    await addDeletions(connection, again);
    await updateOutcomes(connection, again);
    // An empty delivery cannot be read any more, so parts leave that to `emptyErased`.
    const whole = again.filter(({ isPart }) => isPart !== true);
    if (whole.length > 0) await emptyDeliveries(connection, whole);
    await together?.(connection);
    if (written === 'all')
      return new Map(entries.map((entry, place) => [entry.id, asWritten(entry, again[place])]));
    return findStored(connection, entries);
  });
}

/**
 * Returns the entries without messages of people who were erased since their webhooks arrived. Such an
 * erasure has emptied the delivery, perhaps while it was being written, and could not leave tombstones for
 * messages that were not written yet.
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
  const namesOf = ({
    sender,
    recipient,
    chat,
  }: Pick<MessageRow, 'sender' | 'recipient' | 'chat'>): string[] =>
    [sender, recipient, chat].flatMap((contact) => (contact === null ? [] : [pseudonym(channel, contact)]));
  const ofContexts = entry.contexts.map(({ sender, person, chat }) => ({ sender, recipient: person, chat }));
  const pseudonyms = [...new Set([...entry.messages, ...ofContexts].flatMap(namesOf))];
  const erased = new Set(await findErased(connection, { channel, pseudonyms, since }));
  const messages = entry.messages.filter((row) => !namesOf(row).some((name) => erased.has(name)));
  const contexts = entry.contexts.filter(
    ({ person, sender, chat }) =>
      !namesOf({ sender, recipient: person, chat }).some((name) => erased.has(name)),
  );
  return { ...entry, messages, contexts };
}

/** For an entry of which everything is new, in the delivery of `again`. */
function asWritten(entry: InboxEntry, again: InboxEntry | undefined): StoredEntry {
  return {
    delivery: again?.id ?? entry.id,
    media: entry.media.map(({ id }) => id),
    isBehind: false,
  };
}

/** The entry as part of another delivery, the stored one with the same content. */
function withId(entry: InboxEntry, id: string): InboxEntry {
  const owned = <Row extends object>(rows: readonly Row[]): (Row & { delivery_id: string })[] =>
    rows.map((row) => ({ ...row, delivery_id: id }));
  const { messages, media, statuses, deletions, contexts } = entry;
  return {
    ...entry,
    id,
    messages: owned(messages),
    media: owned(media),
    statuses: owned(statuses),
    deletions: owned(deletions),
    contexts: owned(contexts),
  };
}

/** A webhook without a channel, whose content hash equals no other. */
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
        chat_name: null,
        person_alias: null,
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
        source_reference: null,
        source_expires_at: null,
        source_credentials: false,
        declared_type: null,
        declared_sha256: null,
        filename: null,
        file_key: null,
        error_code: null,
        error_message: null,
      },
    ],
    statuses: [
      { delivery_id: id, message_id: id, status: 'sent', at: null, error_code: null, error_message: null },
    ],
    deletions: [],
    contexts: [],
  };
}
