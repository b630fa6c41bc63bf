/**
 * Erases what is known of media and people, and keeps tombstones: rows without personal data, by which the
 * same webhook is recognised when it arrives again.
 *
 * An erasure is a series of rounds. Each begins with a search of raw webhooks, which may take seconds and
 * locks nothing. Then one transaction, with its entry in the audit trail, locks and erases. Each step of it
 * is a statement of its own, which sees what was committed before the previous step got its locks. What was
 * committed between the search and the locks is found by the next round; the erasure ends with a round that
 * finds nothing. From the first round on, the tombstones of the messages reject what arrives later. Locks in
 * one order, and batches of any size, need SQL.
 *
 * What a legal hold keeps is not erased: a request is refused as a whole, and retention passes it over. A hold
 * begins before or after a round, never within one. If it begins after the first round, the erasure ends there:
 * what that round has erased stays erased, and the hold keeps what has arrived since.
 */
import { AppError } from '../../../domain/errors.js';
import { momentOf } from '../../../domain/id.js';
import { transaction, undone, type Pool, type Together, type Transaction } from '../../postgres/database.js';
import type { Audit, AuditRecord } from '../audit.js';
import { keepHoldsOut } from '../holds.js';
import { forgetPeople } from '../people/sums.js';
import {
  countsOf,
  eraseAll,
  hasErased,
  nothingErased,
  sumOf,
  type Erased,
  type EraseResult,
} from './erase-all.js';
import { findHeldMedia, refuseHeld, refuseHeldContacts, type Held } from './held.js';
import {
  findOldMedia,
  findOwner,
  isStillStored,
  lockMedia,
  lockMediaOfPerson,
  lockMessages,
  type Contacts,
  type LockedMedia,
  type Owner,
  type RetentionPage,
} from './locks.js';
import {
  findNaming,
  findSpeaking,
  makeMark,
  maxSpoolMs,
  type MessageIdsIn,
  type SearchMark,
  type SpeakingDeliveries,
} from './speaking-deliveries.js';

export { countsOf, type Erased } from './erase-all.js';

/** The token or the part of the service that requests an erasure. */
export type Actor = Pick<AuditRecord, 'actor'>;

export interface Person {
  readonly channel: string;
  /** All ids under which the provider names the person. */
  readonly ids: readonly NamedId[];
}

export interface NamedId {
  /** The provider's identifier. */
  readonly contact: string;
  /** Its name in the audit trail. */
  readonly pseudonym: string;
}

export interface Erasure {
  /** With `null` instead of an actor, nothing is erased and the result says what would be. */
  readonly media: (
    media: { readonly id: string; readonly channel: string },
    by: Actor | null,
  ) => Promise<Erased>;
  /**
   * Erases everything that the person sent or was sent, and every raw webhook of the channel that mentions
   * them. Resolves to undefined if the channel does not know the person. With `null` instead of an actor,
   * nothing is erased and the result says what would be.
   */
  readonly person: (person: Person, by: Actor | null) => Promise<Erased | undefined>;
  /**
   * Erases one page of media received before the moment in a channel, with their messages and deliveries, the
   * oldest first. Without `last`, there are no more. Media that a hold keeps are set aside until it ends.
   */
  readonly receivedBefore: (
    moment: Date,
    page: RetentionPage,
    together: (erased: Erased) => Together,
  ) => Promise<Erased & { readonly last?: string | undefined }>;
  /** Whether anything was ever received in the channel. */
  readonly knowsChannel: (channel: string) => Promise<boolean>;
}

export interface ErasureOptions {
  readonly pool: Pool;
  readonly audit: Pick<Audit, 'record'>;
  readonly messageIdsIn: MessageIdsIn;
  readonly now: () => Date;
}

/**
 * Each round erases what arrived during the previous one. A person who never stops writing is not waited for.
 */
const maxRounds = 20;

export function createErasure(options: ErasureOptions): Erasure {
  const { pool } = options;
  return {
    media: (media, by) => eraseOneMedia(options, media, by),
    person: (person, by) => erasePerson(options, person, by),
    receivedBefore: (moment, page, together) => eraseOldMedia(options, { moment, page }, together),
    knowsChannel: async (channel) => {
      const { delivery, media, outbound } = pool.prisma;
      const any = { where: { channel }, select: { id: true } };
      const found = await Promise.all([
        delivery.findFirst(any),
        media.findFirst(any),
        outbound.findFirst(any),
      ]);
      return found.some((row) => row !== null);
    },
  };
}

async function eraseOneMedia(
  { pool, audit, messageIdsIn, now }: ErasureOptions,
  { id, channel }: { readonly id: string; readonly channel: string },
  by: Actor | null,
): Promise<Erased> {
  const begun = await makeMark(pool);
  const entries = [{ action: 'media.erase', channel, target: id }];
  let searchedFor: string | undefined;
  return inRounds(by, async (isFirst) => {
    const owner = await findOwner(pool, id);
    const since = owner?.message === searchedFor ? begun : undefined;
    const deliveries = owner ? await findRedeliveries(pool, { ...owner, since }, messageIdsIn) : [];
    searchedFor = owner?.message;
    return eraseOnce({ pool, audit }, { by, isFirst, entries }, async (connection) => {
      const message = owner?.message ?? null;
      const messages = await lockMessages(connection, { where: 'id = $1', values: [message] });
      // If an upload was sent and became part of a message in the meantime, the next round erases it.
      const where = 'id = $1 and message_row_id is not distinct from $2';
      const media = await lockMedia(connection, { where, values: [id, message] });
      const hasMissed = media.length === 0 && (await isStillStored(connection, id));
      refuseHeld(await findHeldMedia(connection, idsOf(media)));
      const result = await eraseAll(connection, {
        messages,
        media,
        deliveries,
        heldDeliveries: 'refused',
        now: now(),
      });
      return { ...result, hasMissed };
    });
  });
}

async function erasePerson(
  { pool, audit, now }: ErasureOptions,
  person: Person,
  by: Actor | null,
): Promise<Erased | undefined> {
  const { channel, ids } = person;
  const contacts: Contacts = { channel, contacts: ids.map(({ contact }) => contact) };
  const begun = await makeMark(pool);
  const first = await findSpeakingOfAny(pool, contacts);
  if (!first.named && !(await isKnown(pool, person))) return undefined;
  const entries = ids.map(({ pseudonym }) => ({ action: 'contact.erase', channel, target: pseudonym }));
  return inRounds(by, async (isFirst) => {
    const found = isFirst ? first : await findSpeakingOfAny(pool, contacts, begun);
    return eraseOnce({ pool, audit }, { by, isFirst, entries }, async (connection) => {
      await refuseHeldContacts(connection, contacts);
      const messages = await lockMessages(connection, {
        where:
          'channel = $1 and erased_at is null and (sender = any($2) or recipient = any($2) or chat = any($2))',
        values: [channel, contacts.contacts],
      });
      const media = await lockMediaOfPerson(connection, contacts, messages);
      refuseHeld(await findHeldMedia(connection, idsOf(media)));
      const { ids: deliveries } = found;
      const result = await eraseAll(connection, {
        messages,
        media,
        deliveries,
        person: contacts,
        heldDeliveries: 'refused',
        now: now(),
      });
      await forgetPeople(connection, { channel, ids: contacts.contacts });
      return result;
    });
  });
}

/** Raw webhooks that mention any of the ids of a person. */
async function findSpeakingOfAny(
  pool: Pool,
  { channel, contacts }: Contacts,
  since?: SearchMark,
): Promise<SpeakingDeliveries> {
  const found: SpeakingDeliveries[] = [];
  for (const contact of contacts) found.push(await findSpeaking(pool, { channel, contact, since }));
  return {
    ids: [...new Set(found.flatMap(({ ids }) => ids))],
    named: found.some(({ named }) => named),
  };
}

async function eraseOldMedia(
  { pool, now }: ErasureOptions,
  { moment, page }: { readonly moment: Date; readonly page: RetentionPage },
  together: (erased: Erased) => Together,
): Promise<Erased & { readonly last?: string | undefined }> {
  const found = await findOldMedia(pool, moment, page);
  const erased = await transaction(pool, async (connection) => {
    await keepHoldsOut(connection);
    // Rows that another worker or an erasure has locked are left to it.
    const messages = await lockMessages(connection, {
      where: 'id = any($1)',
      values: [found.map(({ message }) => message)],
      skipLocked: true,
    });
    const ids = new Set(messages);
    const free = found.filter(({ message }) => message === null || ids.has(message));
    const media = await lockMedia(connection, {
      where: 'id = any($1)',
      values: [free.map(({ id }) => id)],
      skipLocked: true,
    });
    const held = await findHeldMedia(connection, idsOf(media));
    await park(connection, held);
    const result = await eraseAll(connection, {
      messages,
      media: media.filter(({ id }) => !held.has(id)),
      deliveries: [],
      heldDeliveries: 'kept',
      now: now(),
    });
    if (hasErased(result)) await together(result)(connection);
    return result;
  });
  return { ...erased, last: found.at(-1)?.id };
}

/** Retention does not look at these media again before the hold ends (see parked.ts). */
async function park(connection: Transaction, held: Held): Promise<void> {
  if (held.size === 0) return;
  await connection.query(
    `update media set parked_by = held.hold from unnest($1::uuid[], $2::uuid[]) as held (id, hold) where media.id = held.id`,
    [[...held.keys()], [...held.values()]],
  );
}

function idsOf(media: readonly LockedMedia[]): string[] {
  return media.map(({ id }) => id);
}

/**
 * Repeats the round until nothing is left. Without an actor, the first round is undone and its counts are the
 * result.
 */
async function inRounds(
  by: Actor | null,
  round: (isFirst: boolean) => Promise<EraseResult>,
): Promise<Erased> {
  const isIncomplete = (result: EraseResult): boolean =>
    result.hasMissed || (by !== null && hasErased(result));
  let latest = await round(true);
  let total = latest;
  for (let rounds = 1; isIncomplete(latest) && rounds < maxRounds; rounds += 1) {
    latest = await round(false).catch(endAtHold);
    total = sumOf(total, latest);
  }
  return total;
}

/** A hold that began after the first round ends the erasure. */
function endAtHold(error: unknown): EraseResult {
  if (error instanceof AppError && error.code === 'hold.active') return nothingErased;
  throw error;
}

interface Round {
  readonly by: Actor | null;
  readonly isFirst: boolean;
  /** The first one has the counts. */
  readonly entries: readonly Omit<AuditRecord, 'actor'>[];
}

/** One transaction with its entries in the audit trail. The first one is recorded even if it finds nothing. */
function eraseOnce(
  { pool, audit }: Pick<ErasureOptions, 'pool' | 'audit'>,
  { by, isFirst, entries }: Round,
  work: (connection: Transaction) => Promise<EraseResult>,
): Promise<EraseResult> {
  return transaction(pool, async (connection) => {
    await keepHoldsOut(connection);
    const result = await work(connection);
    if (by === null) return undone(result);
    if (isFirst || hasErased(result))
      for (const [place, entry] of entries.entries())
        await audit.record(
          { ...by, ...entry, details: place === 0 ? countsOf(result) : { isAlias: true } },
          connection,
        );
    return result;
  });
}

/** The same message may have arrived again in a webhook with other bytes, which is a delivery of its own. */
function findRedeliveries(
  pool: Pool,
  { message, channel, messageId, receivedAt, since }: Owner & { readonly since: SearchMark | undefined },
  messageIdsIn: MessageIdsIn,
): Promise<string[]> {
  const first = Math.min(momentOf(message).getTime(), receivedAt.getTime()) - maxSpoolMs;
  const from = since?.from ?? new Date(first);
  return findNaming(pool, { channel, messageId, from, since }, messageIdsIn);
}

/**
 * Reads every message of the channel, for which Prisma Client would have too little time: see `erasing` in
 * database.ts.
 */
async function isKnown(pool: Pool, { channel, ids }: Person): Promise<boolean> {
  const { rows } = await pool.query<{ known: boolean }>(
    `select exists (select from message where channel = $1 and (sender = any($2) or recipient = any($2) or chat = any($2)))
         or exists (select from outbound where channel = $1 and recipient = any($2))
         or exists (select from person_id where channel = $1 and person = any($2))
         -- A person who was erased remains known: erasing them again is not an error.
         or exists (select from audit_entry where action = 'contact.erase' and channel = $1 and target = any($3)) as known`,
    [channel, ids.map(({ contact }) => contact), ids.map(({ pseudonym }) => pseudonym)],
  );
  return rows[0]?.known ?? false;
}
