/** Erases locked messages and media with everything that depends on them. */
import { newId } from '../../../domain/id.js';
import type { Transaction } from '../../postgres/database.js';
import { releaseBlobs } from '../media/blobs.js';
import { forgetViews } from '../saved-views.js';
import { keepHoldsOut } from '../holds.js';
import { findHeldDeliveries, findHeldMedia, refuseHeld } from './held.js';
import { lockMedia, lockMessages, type Contacts, type LockedMedia } from './locks.js';
import {
  eraseContexts,
  eraseDeliveries,
  eraseMedia,
  eraseMessages,
  eraseOutbound,
  forgetEvents,
  forgetReportedStatuses,
  forgetStatuses,
  lockDeliveries,
  type MessageName,
} from './steps.js';

/** What was erased. Data that had been erased before does not count. */
export interface Erased {
  readonly messages: number;
  readonly media: number;
  readonly deliveries: number;
  /** The SHA-256 of blobs without a user: their files are to be deleted now. */
  readonly blobs: readonly string[];
  readonly bytes: number;
}

/** Includes what is not reported to the caller. */
export interface EraseResult extends Erased {
  readonly outbound: number;
  /** Messages without files. */
  readonly contexts: number;
  /**
   * Whether something became part of another message in the meantime, which another round has to lock first.
   */
  readonly hasMissed: boolean;
}

export const nothingErased: EraseResult = {
  messages: 0,
  media: 0,
  deliveries: 0,
  outbound: 0,
  contexts: 0,
  hasMissed: false,
  blobs: [],
  bytes: 0,
};

export function hasErased({ messages, media, deliveries, outbound, contexts }: EraseResult): boolean {
  return messages + media + deliveries + outbound + contexts > 0;
}

export function sumOf(one: EraseResult, other: EraseResult): EraseResult {
  return {
    hasMissed: other.hasMissed,
    outbound: one.outbound + other.outbound,
    contexts: one.contexts + other.contexts,
    messages: one.messages + other.messages,
    media: one.media + other.media,
    deliveries: one.deliveries + other.deliveries,
    blobs: [...one.blobs, ...other.blobs],
    bytes: one.bytes + other.bytes,
  };
}

/** The counts that answers and the audit trail show. */
export function countsOf({ messages, media, blobs, bytes, deliveries }: Erased): {
  readonly [Count in keyof Erased]: number;
} {
  return { messages, media, blobs: blobs.length, bytes, deliveries };
}

export interface ToErase {
  /** Ids of locked messages. Those without remaining media are erased. */
  readonly messages: readonly string[];
  readonly media: readonly LockedMedia[];
  /** Ids of deliveries, in addition to those that brought the messages. */
  readonly deliveries: readonly string[];
  /** Statuses that their deliveries reported, and messages queued for them, are erased as well. */
  readonly person?: Contacts;
  /** What happens to deliveries that a legal hold keeps; media are expected not to be held. */
  readonly heldDeliveries: 'refused' | 'kept';
  readonly now: Date;
}

export async function eraseAll(
  connection: Transaction,
  { messages: owners, media, deliveries: more, person, heldDeliveries, now }: ToErase,
): Promise<EraseResult> {
  const ids = media.map(({ id }) => id);
  await eraseMedia(connection, ids, now);
  const messages = await eraseMessages(connection, owners, now);
  const contexts = person ? await eraseContexts(connection, person, now) : 0;
  if (person) await forgetViews(connection, person);
  const sent = await eraseOutbound(connection, { mediaIds: ids, messages, person }, now);
  const locked = await lockDeliveries(connection, owners, more);
  const held = await findHeldDeliveries(connection, locked);
  if (heldDeliveries === 'refused') refuseHeld(held);
  const deliveries = locked.filter((id) => !held.has(id));
  const reported = person ? await forgetReportedStatuses(connection, deliveries) : [];
  await eraseDeliveries(connection, deliveries, now);
  await forgetStatuses(connection, [...messages, ...sent.names]);
  await forgetEvents(connection, ids, [...messages, ...sent.names, ...reported]);
  const sha256s = media.map(({ sha256 }) => sha256).filter((sha256) => sha256 !== null);
  const blobs = await releaseBlobs(connection, [...new Set(sha256s)], now);
  return {
    messages: messages.length,
    media: ids.length,
    deliveries: deliveries.length,
    outbound: sent.count,
    contexts,
    hasMissed: false,
    blobs: blobs.map(({ sha256 }) => sha256),
    bytes: blobs.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/**
 * Leaves a tombstone for a message that a provider accepted although its sending was erased in the meantime,
 * in place of what a webhook has brought of it by now. Its events and files are erased as well, unless a hold
 * that has begun since keeps them.
 */
export async function eraseSent(
  connection: Transaction,
  { channel, provider, messageId, now }: MessageName & { readonly provider: string; readonly now: Date },
): Promise<void> {
  await keepHoldsOut(connection);
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
  const held = await findHeldMedia(
    connection,
    media.map(({ id }) => id),
  );
  await eraseAll(connection, {
    messages,
    media: media.filter(({ id }) => !held.has(id)),
    deliveries: [],
    heldDeliveries: 'kept',
    now,
  });
}
