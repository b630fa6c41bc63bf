/**
 * Erases what is known of pictures and of people, and keeps tombstones: rows without anything personal, by which the same
 * webhook is recognised when it comes again. Each erasure is one transaction, together with its entry in the audit trail.
 *
 * Rows are locked in the same order by everybody (media, messages, what was sent, deliveries, blobs, each by its key) and looked at by
 * statements of their own after that, so that two erasures at once neither lock each other out nor both leave the last
 * step to the other.
 */
import type pg from 'pg';

import { lowestIdAt } from '../domain/id.js';
import type { Audit, AuditRecord } from './audit.js';
import { holdsWhole, speaksOfPerson } from './body-search.js';
import { transaction } from './database.js';
import {
  eraseDeliveries,
  eraseMedia,
  eraseMessages,
  eraseOutbound,
  forgetEvents,
  forgetStatuses,
  forgetToldStatuses,
  lockDeliveries,
  type DeliveryCondition,
} from './erasure-rows.js';
import { releaseBlobs } from './orphans.js';

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

export interface Erasure {
  readonly media: (media: { readonly id: string; readonly channel: string }, by: Actor) => Promise<Erased>;
  /** Everything that the person sent or was sent, and every raw webhook of the channel that speaks of them. */
  readonly person: (person: Person, by: Actor) => Promise<Erased>;
  /** Media received before the moment, with their messages and deliveries: the oldest, `limit` at most. */
  readonly receivedBefore: (moment: Date, limit: number) => Promise<Erased>;
  /** Whether anything was ever received there. */
  readonly knowsChannel: (channel: string) => Promise<boolean>;
}

export function createErasure(pool: pg.Pool, audit: Audit, now: () => Date): Erasure {
  return {
    media: ({ id, channel }, by) =>
      transaction(pool, async (connection) => {
        const media = await lockMedia(connection, 'media.id = $1', [id]);
        const alsoDeliveries = media[0] && redeliveriesOf(media[0]);
        const erased = await eraseAll(connection, { media, alsoDeliveries, now: now() });
        const details = countsOf(erased);
        await audit.record({ ...by, action: 'media.erase', channel, target: id, details }, connection);
        return erased;
      }),

    person: ({ channel, contact, pseudonym }, by) =>
      transaction(pool, async (connection) => {
        const media = await lockMedia(
          connection,
          // Media that were kept to be sent to the person, and to nobody else, belong to no message until they are.
          `media.id in (
             select media.id from media join message on message.id = message_row_id
             where message.channel = $1 and (sender = $2 or recipient = $2 or chat = $2)
             union all
             select media.id from media join outbound on outbound.media_id = media.id
             where outbound.channel = $1 and outbound.recipient = $2 and message_row_id is null and direction = 'outbound'
               and not exists (select from outbound as other where other.media_id = media.id
                                 and (other.channel, other.recipient) <> ($1, $2)))`,
          [channel, contact],
        );
        const speaks = speaksOfPerson(contact, 3);
        const alsoDeliveries = { sql: `channel = $2 and ${speaks.sql}`, values: [channel, ...speaks.values] };
        const erased = await eraseAll(connection, {
          media,
          alsoDeliveries,
          person: { channel, contact },
          now: now(),
        });
        const details = countsOf(erased);
        await audit.record(
          { ...by, action: 'contact.erase', channel, target: pseudonym, details },
          connection,
        );
        return erased;
      }),

    receivedBefore: (moment, limit) =>
      transaction(pool, async (connection) => {
        const media = await lockMedia(
          connection,
          // Ids sort by time: with theirs, an index leads to the old ones at once.
          `media.id in (
             select id from media where state in ('pending', 'ready', 'rejected', 'failed') and id < $2 and received_at < $1
             order by id limit $3 for update skip locked)`,
          [moment, lowestIdAt(moment), limit],
        );
        return eraseAll(connection, { media, now: now() });
      }),

    knowsChannel: async (channel) => {
      const { rows } = await pool.query<{ known: boolean }>(
        `select exists (select from delivery where channel = $1) or exists (select from media where channel = $1)
                or exists (select from outbound where channel = $1) as known`,
        [channel],
      );
      return rows[0]?.known ?? false;
    },
  };
}

/** The members that answers and the audit trail show. */
export function countsOf({ messages, media, blobs, bytes, deliveries }: Erased): {
  readonly [Count in keyof Erased]: number;
} {
  return { messages, media, blobs: blobs.length, bytes, deliveries };
}

interface LockedMedia {
  readonly id: string;
  readonly channel: string;
  readonly sha256: string | null;
  /** The row of its message; null for an upload that was not sent. */
  readonly message: string | null;
  /** The provider's id of its message. */
  readonly messageId: string | null;
}

/** Media that fit the condition and are not erased yet. */
async function lockMedia(
  connection: pg.PoolClient,
  condition: string,
  values: readonly unknown[],
): Promise<LockedMedia[]> {
  const { rows } = await connection.query<LockedMedia>(
    `select media.id, media.channel, media.sha256, message.id as message, message.message_id as "messageId"
     from media left join message on message.id = media.message_row_id
     where media.state <> 'erased' and ${condition}
     order by media.id for update of media`,
    [...values],
  );
  return rows;
}

/** The same message may have come once more with other bytes, and that delivery is its own. */
function redeliveriesOf({ channel, message, messageId }: LockedMedia): DeliveryCondition | undefined {
  if (message === null || messageId === null) return undefined;
  const names = holdsWhole(messageId, 4);
  return { sql: `channel = $2 and id > $3 and ${names.sql}`, values: [channel, message, ...names.values] };
}

interface WhatToErase {
  /** Locked. */
  readonly media: readonly LockedMedia[];
  /** Besides those that brought the media. */
  readonly alsoDeliveries?: DeliveryCondition | undefined;
  /** What their deliveries told of is erased as well, and what was to be sent to them. */
  readonly person?: { readonly channel: string; readonly contact: string };
  readonly now: Date;
}

/** The media with what hangs on them, their deliveries, and their messages as far as nothing is left of those. */
async function eraseAll(
  connection: pg.PoolClient,
  { media, alsoDeliveries, person, now }: WhatToErase,
): Promise<Erased> {
  const ids = media.map(({ id }) => id);
  const owners = unique(media.map(({ message }) => message));
  await eraseMedia(connection, ids, now);
  const messages = await eraseMessages(connection, owners, now);
  const sent = await eraseOutbound(connection, { mediaIds: ids, messages, person }, now);
  const deliveries = await lockDeliveries(connection, owners, alsoDeliveries);
  const told = person ? await forgetToldStatuses(connection, deliveries) : [];
  await eraseDeliveries(connection, deliveries, now);
  await forgetStatuses(connection, [...messages, ...sent]);
  await forgetEvents(connection, ids, [...messages, ...sent, ...told]);
  const blobs = await releaseBlobs(connection, unique(media.map(({ sha256 }) => sha256)), now);
  return {
    ...{ messages: messages.length, media: ids.length, deliveries: deliveries.length },
    blobs: blobs.map(({ sha256 }) => sha256),
    bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function unique(values: readonly (string | null)[]): string[] {
  return [...new Set(values)].filter((value) => value !== null);
}
