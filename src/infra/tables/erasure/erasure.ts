/**
 * Erases what is known of pictures and of people, and keeps tombstones: rows without anything personal, by which the same
 * webhook is recognised when it comes again.
 *
 * An erasure is a row of rounds. In each, raw webhooks are searched first, which may take seconds and locks nothing. Then one
 * transaction, with its entry in the audit trail, locks and erases. Every transaction of the service locks rows in the same order
 * (message, media, outbound, delivery, status and event, blob, each by its key), and each step here is a statement of its own, which
 * sees what was committed before the locks of the step before were granted. What was committed between the search and the locks is found
 * by the next round; the erasure has ended when a round finds nothing. From the first round on, the tombstones of the messages keep
 * away what comes later. Locks in one order, and batches of any size, need SQL.
 */
import { lowestIdAt, momentOf, newId } from '../../../domain/id.js';
import { transaction, undone, type Pool, type Together, type Transaction } from '../../postgres/database.js';
import type { Audit, AuditRecord } from '../audit.js';
import { releaseBlobs } from '../media/blobs.js';
import {
  findNaming,
  findSpeaking,
  latestMs,
  makeMark,
  type MessageIdsIn,
  type SearchMark,
} from './speaking-deliveries.js';
import {
  eraseDeliveries,
  eraseMedia,
  eraseMessages,
  eraseOutbound,
  forgetEvents,
  forgetStatuses,
  forgetToldStatuses,
  lockDeliveries,
  type MessageName,
} from './steps.js';

/** What was erased. What had been erased before does not count. */
export interface Erased {
  readonly messages: number;
  readonly media: number;
  readonly deliveries: number;
  /** Nobody uses them any more: their files are to be removed now. */
  readonly blobs: readonly string[];
  readonly bytes: number;
}

/** Who has it done. */
export type Actor = Pick<AuditRecord, 'actor'>;

export interface Person {
  readonly channel: string;
  /** As the provider names them. */
  readonly contact: string;
  /** What the audit trail calls them. */
  readonly pseudonym: string;
}

/** Where a batch of retention goes on. */
export interface RetentionPage {
  readonly limit: number;
  /** The last id that the batch before has looked at. */
  readonly after?: string | undefined;
}

export interface Erasure {
  /** With `null` nothing is erased: the answer is what would be. */
  readonly media: (
    media: { readonly id: string; readonly channel: string },
    by: Actor | null,
  ) => Promise<Erased>;
  /**
   * Everything that the person sent or was sent, and every raw webhook of the channel that speaks of them. Undefined: the channel
   * does not know the person. With `null` nothing is erased: the answer is what would be.
   */
  readonly person: (person: Person, by: Actor | null) => Promise<Erased | undefined>;
  /** Media received before the moment, with their messages and deliveries, the oldest first. Without `last`, there are no more. */
  readonly receivedBefore: (
    moment: Date,
    page: RetentionPage,
    together: (erased: Erased) => Together,
  ) => Promise<Erased & { readonly last?: string | undefined }>;
  /** Whether anything was ever received there. */
  readonly knowsChannel: (channel: string) => Promise<boolean>;
}

/** Each round erases what came during the one before. Somebody who writes without a pause is not waited for. */
const mostRounds = 20;

export interface ErasureOptions {
  readonly pool: Pool;
  readonly audit: Pick<Audit, 'record'>;
  readonly messageIdsIn: MessageIdsIn;
  readonly now: () => Date;
}

export function createErasure({ pool, audit, messageIdsIn, now }: ErasureOptions): Erasure {
  /** Repeats the round until nothing is left. Without an actor, the first round is undone and its counts are the answer. */
  const inRounds = async (by: Actor | null, round: (isFirst: boolean) => Promise<Done>): Promise<Erased> => {
    const isMoreToDo = (done: Done): boolean => done.hasMissed || (by !== null && hasErased(done));
    let latest = await round(true);
    let total = latest;
    for (let rounds = 1; isMoreToDo(latest) && rounds < mostRounds; rounds += 1) {
      latest = await round(false);
      total = sumOf(total, latest);
    }
    return total;
  };

  /** One transaction with its entry in the audit trail. The first one is entered although it may have found nothing. */
  const once = (
    { by, isFirst, entry }: { by: Actor | null; isFirst: boolean; entry: Omit<AuditRecord, 'actor'> },
    work: (connection: Transaction) => Promise<Done>,
  ): Promise<Done> =>
    transaction(pool, async (connection) => {
      const done = await work(connection);
      if (by === null) return undone(done);
      if (isFirst || hasErased(done))
        await audit.record({ ...by, ...entry, details: countsOf(done) }, connection);
      return done;
    });

  /** The same message may have come once more with other bytes, and that delivery is its own. */
  const findRedeliveries = (
    { message, channel, messageId, receivedAt }: Owner,
    since: SearchMark | undefined,
  ): Promise<string[]> => {
    const first = Math.min(momentOf(message).getTime(), receivedAt.getTime()) - latestMs;
    const from = since?.from ?? new Date(first);
    return findNaming(pool, { channel, messageId, from, since }, messageIdsIn);
  };

  return {
    media: async ({ id, channel }, by) => {
      const begun = await makeMark(pool);
      let searched: string | undefined;
      return inRounds(by, async (isFirst) => {
        const owner = await findOwner(pool, id);
        const since = owner?.message === searched ? begun : undefined;
        const deliveries = owner ? await findRedeliveries(owner, since) : [];
        searched = owner?.message;
        const entry = { action: 'media.erase', channel, target: id };
        return once({ by, isFirst, entry }, async (connection) => {
          const message = owner?.message ?? null;
          const messages = await lockMessages(connection, { where: 'id = $1', values: [message] });
          // Being sent has made an upload part of a message meanwhile: that is for the next round.
          const where = 'id = $1 and message_row_id is not distinct from $2';
          const media = await lockMedia(connection, { where, values: [id, message] });
          const hasMissed = media.length === 0 && (await isThere(connection, id));
          const done = await eraseAll(connection, { messages, media, deliveries, now: now() });
          return { ...done, hasMissed };
        });
      });
    },

    person: async (person, by) => {
      const { channel, contact, pseudonym } = person;
      const begun = await makeMark(pool);
      const first = await findSpeaking(pool, { channel, contact });
      if (!first.named && !(await isKnown(pool, person))) return undefined;
      return inRounds(by, async (isFirst) => {
        const { ids } = isFirst ? first : await findSpeaking(pool, { channel, contact, since: begun });
        const entry = { action: 'contact.erase', channel, target: pseudonym };
        return once({ by, isFirst, entry }, async (connection) => {
          const messages = await lockMessages(connection, {
            where: 'channel = $1 and erased_at is null and (sender = $2 or recipient = $2 or chat = $2)',
            values: [channel, contact],
          });
          const media = await lockMediaOfPerson(connection, person, messages);
          return eraseAll(connection, { messages, media, deliveries: ids, person, now: now() });
        });
      });
    },

    receivedBefore: async (moment, { limit, after = lowestIdAt(new Date(0)) }, together) => {
      const found = await findOld(pool, [moment, lowestIdAt(moment), after, limit]);
      const erased = await transaction(pool, async (connection) => {
        // What another worker or an erasure has locked is theirs.
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
        const done = await eraseAll(connection, { messages, media, deliveries: [], now: now() });
        if (hasErased(done)) await together(done)(connection);
        return done;
      });
      return { ...erased, last: found.at(-1)?.id };
    },

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

/** The members that answers and the audit trail show. */
export function countsOf({ messages, media, blobs, bytes, deliveries }: Erased): {
  readonly [Count in keyof Erased]: number;
} {
  return { messages, media, blobs: blobs.length, bytes, deliveries };
}

/**
 * A message that a provider took although its sending was erased meanwhile: a tombstone, in place of whatever a webhook has brought of
 * it by now. Its events and files go as well.
 */
export async function eraseSent(
  connection: Transaction,
  { channel, provider, messageId, now }: MessageName & { readonly provider: string; readonly now: Date },
): Promise<void> {
  await connection.query(
    `insert into message (id, channel, provider, message_id, direction, sender, received_at, erased_at)
     values ($1, $2, $3, $4, 'outbound', '', $5, $5) on conflict (channel, message_id) do nothing`,
    [newId(), channel, provider, messageId, now],
  );
  const messages = await lockMessages(connection, {
    where: 'channel = $1 and message_id = $2 and erased_at is null',
    values: [channel, messageId],
  });
  const media = await lockMedia(connection, { where: 'message_row_id = any($1)', values: [messages] });
  await eraseAll(connection, { messages, media, deliveries: [], now });
}

/** With what is not counted for anybody. */
interface Done extends Erased {
  readonly outbound: number;
  /** What was to be erased became part of something else meanwhile, which another round has to lock first. */
  readonly hasMissed: boolean;
}

function hasErased({ messages, media, deliveries, outbound }: Done): boolean {
  return messages + media + deliveries + outbound > 0;
}

function sumOf(one: Done, other: Done): Done {
  return {
    hasMissed: other.hasMissed,
    outbound: one.outbound + other.outbound,
    messages: one.messages + other.messages,
    media: one.media + other.media,
    deliveries: one.deliveries + other.deliveries,
    blobs: [...one.blobs, ...other.blobs],
    bytes: one.bytes + other.bytes,
  };
}

/** Looks at every message of the channel, for which Prisma Client would not have the time: see `erasing` in database.ts. */
async function isKnown(pool: Pool, { channel, contact, pseudonym }: Person): Promise<boolean> {
  const { rows } = await pool.query<{ known: boolean }>(
    `select exists (select from message where channel = $1 and (sender = $2 or recipient = $2 or chat = $2))
         or exists (select from outbound where channel = $1 and recipient = $2)
         -- Somebody who was erased is still known to have been here: erasing again is no mistake.
         or exists (select from audit_entry where action = 'contact.erase' and channel = $1 and target = $3) as known`,
    [channel, contact, pseudonym],
  );
  return rows[0]?.known ?? false;
}

/** The message that a media belongs to. */
interface Owner {
  /** Of its row. */
  readonly message: string;
  readonly channel: string;
  readonly messageId: string;
  readonly receivedAt: Date;
}

async function findOwner(pool: Pool, mediaId: string): Promise<Owner | undefined> {
  const media = await pool.prisma.media.findUnique({
    where: { id: mediaId },
    select: { message: { select: { id: true, channel: true, messageId: true, receivedAt: true } } },
  });
  if (!media?.message) return undefined;
  const { id, ...owner } = media.message;
  return { message: id, ...owner };
}

/** Whether the media is still to be erased. */
async function isThere({ prisma }: Transaction, mediaId: string): Promise<boolean> {
  const count = await prisma(({ media }) =>
    media.count({ where: { id: mediaId, state: { not: 'erased' } } }),
  );
  return count > 0;
}

/** Media older than $1 that are not erased, with ids below $2 and above $3, $4 of them. */
async function findOld(
  pool: Pool,
  values: readonly unknown[],
): Promise<{ readonly id: string; readonly message: string | null }[]> {
  // Ids sort by time, and each state has them in order in its index: erased ones, of which there are ever more, are not read.
  const ofState = (state: string): string =>
    `(select id, message_row_id from media where state = '${state}' and id < $2 and id > $3 and received_at < $1
      order by id limit $4)`;
  const { rows } = await pool.query<{ id: string; message: string | null }>(
    `select id, message_row_id as message
     from (${['pending', 'ready', 'rejected', 'failed'].map(ofState).join(' union all ')}) as old order by id limit $4`,
    [...values],
  );
  return rows;
}

interface Which {
  /** A condition, and its parameters. */
  readonly where: string;
  readonly values: readonly unknown[];
  /** What somebody else has locked is left out; by default it is waited for. */
  readonly skipLocked?: true;
}

/** Their ids. */
async function lockMessages(
  connection: Transaction,
  { where, values, skipLocked }: Which,
): Promise<string[]> {
  const { rows } = await connection.query<{ id: string }>(
    `select id from message where ${where} order by id for update ${skipLocked ? 'skip locked' : ''}`,
    [...values],
  );
  return rows.map(({ id }) => id);
}

interface LockedMedia {
  readonly id: string;
  readonly sha256: string | null;
}

/** Media that fit the condition and are not erased yet. */
async function lockMedia(
  connection: Transaction,
  { where, values, skipLocked }: Which,
): Promise<LockedMedia[]> {
  const { rows } = await connection.query<LockedMedia>(
    `select id, sha256 from media where state <> 'erased' and ${where}
     order by id for update ${skipLocked ? 'skip locked' : ''}`,
    [...values],
  );
  return rows;
}

/** Those of the messages, and those that were kept to be sent to the person and to nobody else, which belong to no message until they are. */
async function lockMediaOfPerson(
  connection: Transaction,
  { channel, contact }: Person,
  messages: readonly string[],
): Promise<LockedMedia[]> {
  const isTheirs = `(message_row_id = any($1) or (message_row_id is null and direction = 'outbound'
    and exists (select from outbound where outbound.media_id = media.id and channel = $2 and recipient = $3)
    and not exists (select from outbound as other where other.media_id = media.id
                      and (other.channel, other.recipient) <> ($2, $3))))`;
  const where = `id in (
    select id from media where message_row_id = any($1)
    union all
    select media_id from outbound where channel = $2 and recipient = $3 and media_id is not null) and ${isTheirs}`;
  const values = [messages, channel, contact];
  const locked = await lockMedia(connection, { where, values });
  // Somebody else may have been sent one of them while it was waited for: looked at again now that this has an end.
  const { rows } = await connection.query<{ id: string }>(
    `select id from media where id = any($4) and ${isTheirs}`,
    [...values, locked.map(({ id }) => id)],
  );
  const theirs = new Set(rows.map(({ id }) => id));
  return locked.filter(({ id }) => theirs.has(id));
}

interface WhatToErase {
  /** Ids; locked. Those that have nothing left are erased. */
  readonly messages: readonly string[];
  /** Locked. */
  readonly media: readonly LockedMedia[];
  /** Ids, besides those that brought the messages. */
  readonly deliveries: readonly string[];
  /** What their deliveries told of is erased as well, and what was to be sent to them. */
  readonly person?: Person;
  readonly now: Date;
}

/** The media with what hangs on them, their deliveries, and their messages as far as nothing is left of those. */
async function eraseAll(
  connection: Transaction,
  { messages: owners, media, deliveries: more, person, now }: WhatToErase,
): Promise<Done> {
  const ids = media.map(({ id }) => id);
  await eraseMedia(connection, ids, now);
  const messages = await eraseMessages(connection, owners, now);
  const sent = await eraseOutbound(connection, { mediaIds: ids, messages, person }, now);
  const deliveries = await lockDeliveries(connection, owners, more);
  const told = person ? await forgetToldStatuses(connection, deliveries) : [];
  await eraseDeliveries(connection, deliveries, now);
  await forgetStatuses(connection, [...messages, ...sent.names]);
  await forgetEvents(connection, ids, [...messages, ...sent.names, ...told]);
  const sha256s = media.map(({ sha256 }) => sha256).filter((sha256) => sha256 !== null);
  const blobs = await releaseBlobs(connection, [...new Set(sha256s)], now);
  return {
    messages: messages.length,
    media: ids.length,
    deliveries: deliveries.length,
    outbound: sent.count,
    hasMissed: false,
    blobs: blobs.map(({ sha256 }) => sha256),
    bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
