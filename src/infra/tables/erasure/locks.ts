/**
 * Finds and locks what an erasure is about. Every transaction of the service locks rows in the same order
 * (message, media, outbound, delivery, status and event, blob, each by its key), so that none waits for
 * another in a circle.
 */
import { lowestIdAt } from '../../../domain/id.js';
import type { Pool, Transaction } from '../../postgres/database.js';

/** A person of one channel. */
export interface Contacts {
  readonly channel: string;
  /** All of the provider's identifiers of the person. */
  readonly contacts: readonly string[];
}

interface RowCondition {
  /** A condition in SQL, whose parameters are `values`. */
  readonly where: string;
  readonly values: readonly unknown[];
  /** Skips rows that another transaction has locked; by default, the statement waits for them. */
  readonly skipLocked?: true;
}

/** Resolves to the ids of the locked messages. */
export async function lockMessages(
  connection: Transaction,
  { where, values, skipLocked }: RowCondition,
): Promise<string[]> {
  const { rows } = await connection.query<{ id: string }>(
    `select id from message where ${where} order by id for update ${skipLocked ? 'skip locked' : ''}`,
    [...values],
  );
  return rows.map(({ id }) => id);
}

export interface LockedMedia {
  readonly id: string;
  readonly sha256: string | null;
}

/** Locks the media that fit the condition and are not erased yet. */
export async function lockMedia(
  connection: Transaction,
  { where, values, skipLocked }: RowCondition,
): Promise<LockedMedia[]> {
  const { rows } = await connection.query<LockedMedia>(
    `select id, sha256 from media where state <> 'erased' and ${where}
     order by id for update ${skipLocked ? 'skip locked' : ''}`,
    [...values],
  );
  return rows;
}

/**
 * Locks the media of the messages, and media that were stored to be sent to the person and to nobody else,
 * which belong to no message until they are sent.
 */
export async function lockMediaOfPerson(
  connection: Transaction,
  { channel, contacts }: Contacts,
  messages: readonly string[],
): Promise<LockedMedia[]> {
  const isTheirs = `(message_row_id = any($1) or (message_row_id is null and direction = 'outbound'
    and exists (select from outbound where outbound.media_id = media.id and channel = $2 and recipient = any($3))
    and not exists (select from outbound as other where other.media_id = media.id
                      and not (other.channel = $2 and other.recipient = any($3)))))`;
  const where = `id in (
    select id from media where message_row_id = any($1)
    union all
    select media_id from outbound where channel = $2 and recipient = any($3) and media_id is not null) and ${isTheirs}`;
  const values = [messages, channel, contacts];
  const locked = await lockMedia(connection, { where, values });
  // While this statement waited for a lock, the media item may have been sent to somebody else as well. That
  // is checked again now that it can no longer happen.
  const { rows } = await connection.query<{ id: string }>(
    `select id from media where id = any($4) and ${isTheirs}`,
    [...values, locked.map(({ id }) => id)],
  );
  const theirs = new Set(rows.map(({ id }) => id));
  return locked.filter(({ id }) => theirs.has(id));
}

/** The message that a media item belongs to. */
export interface Owner {
  /** The id of its row. */
  readonly message: string;
  readonly channel: string;
  readonly messageId: string;
  readonly receivedAt: Date;
}

export async function findOwner(pool: Pool, mediaId: string): Promise<Owner | undefined> {
  const media = await pool.prisma.media.findUnique({
    where: { id: mediaId },
    select: { message: { select: { id: true, channel: true, messageId: true, receivedAt: true } } },
  });
  if (!media?.message) return undefined;
  const { id, ...owner } = media.message;
  return { message: id, ...owner };
}

/** Whether the media item exists and is not erased. */
export async function isStillStored({ prisma }: Transaction, mediaId: string): Promise<boolean> {
  const count = await prisma(({ media }) =>
    media.count({ where: { id: mediaId, state: { not: 'erased' } } }),
  );
  return count > 0;
}

/** A page of retention. */
export interface RetentionPage {
  readonly channel: string;
  readonly limit: number;
  /** The last id of the previous page. */
  readonly after?: string | undefined;
}

interface OldMedia {
  readonly id: string;
  /** The id of the message's row. */
  readonly message: string | null;
}

/**
 * Media of a channel that were received before the moment, the oldest first. Ids sort by time, and an index
 * has those of each channel in order, without the growing number of media that are erased or kept by a hold.
 */
export async function findOldMedia(
  pool: Pool,
  moment: Date,
  { channel, limit, after = lowestIdAt(new Date(0)) }: RetentionPage,
): Promise<readonly OldMedia[]> {
  const { rows } = await pool.query<OldMedia>(
    `select id, message_row_id as message from media
     where channel = $5 and parked_by is null and state <> 'erased' and id < $2 and id > $3 and received_at < $1
     order by id limit $4`,
    [moment, lowestIdAt(moment), after, limit, channel],
  );
  return rows;
}
