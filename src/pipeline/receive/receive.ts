/** A proven webhook becomes rows: parsed, given ids, committed. Nothing here waits for anything but the database, nor long for that. */
import { hash } from 'node:crypto';

import { newId } from '../../domain/id.js';
import { exceeds, jsonExtentOf, mostParsed } from '../../domain/json-extent.js';

import type { Channel } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type {
  DeletionEvent,
  Direction,
  InboundEvent,
  InboundMedia,
  InboundMessage,
  MediaKind,
  StatusEvent,
} from '../../domain/provider.js';
import { DatabaseLateError, isDataRefused } from '../../infra/postgres/errors.js';
import { storable, storableName } from '../../infra/postgres/storable-text.js';
import {
  isLarge,
  type DeletionRow,
  type InboxEntry,
  type MediaRow,
  type MessageRow,
  type Outcome,
  type StatusRow,
} from '../../infra/tables/inbox/entry.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';

export interface ReceivedWebhook {
  readonly channel: Channel;
  readonly rawBody: Buffer;
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAt: Date;
}

export interface Receipt {
  readonly delivery: string;
  readonly outcome: Outcome;
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

export type Receive = (webhook: ReceivedWebhook) => Promise<Receipt>;

/** Text that people write may be long, identifiers may not. UTF-16 units. */
const longestText = 16_384;
const longestLabel = 255;
const longestUrl = 8_192;

/** What one webhook may bring. Real ones bring a few; thousands come from a broken or hostile sender. */
const most = { messages: 10_000, media: 10_000, statuses: 50_000 } as const;
/** The reason of a delivery that brings more. */
const tooMany = 'too_many';

/** A provider waits for its answer, and some of them not for long. */
const patienceMs = 2_000;
/** A large webhook takes some seconds to write, even with a fast database. */
const patienceForLargeMs = 20_000;

export function createReceive(inbox: Pick<Inbox, 'commit'>, shelter: Shelter): Receive {
  return async (webhook) => {
    const entry = toEntry(newId(), webhook);
    if (shelter.isNeeded()) return shelter.take(entry);
    try {
      return await commit(inbox, entry, isLarge(entry) ? patienceForLargeMs : patienceMs);
    } catch (error) {
      if (isDataRefused(error)) throw error;
      // That a large one takes long says nothing about the database.
      if (!(isLarge(entry) && error instanceof DatabaseLateError)) shelter.open(error);
      return shelter.take(entry);
    }
  };
}

/** Where webhooks stay while the database is away. */
export interface Shelter {
  /** Whether the database was away when it was last tried. */
  readonly isNeeded: () => boolean;
  /** The database did not take a webhook, for this reason. */
  readonly open: (reason: unknown) => void;
  /** Resolves when the webhook is durable; its rows will be there when the database is, under the ids of the receipt. */
  readonly take: (entry: InboxEntry) => Promise<Receipt>;
}

/** Makes rows of a webhook, or of its raw bytes alone when the database does not take what was read from them. */
export async function commit(
  inbox: Pick<Inbox, 'commit'>,
  entry: InboxEntry,
  patience?: number,
): Promise<Receipt> {
  try {
    return { outcome: entry.outcome, ...(await inbox.commit(entry, patience)) };
  } catch (error) {
    if (!isDataRefused(error)) throw error;
    const bare = bareEntry(entry, 'cannot be stored');
    return { outcome: bare.outcome, ...(await inbox.commit(bare, patience)) };
  }
}

/** What is known of a delivery before it is read. */
export type RawEntry = Omit<InboxEntry, 'outcome' | 'reason' | keyof Rows>;

type Rows = Pick<InboxEntry, 'messages' | 'media' | 'statuses' | 'deletions'>;

/** The raw bytes are kept, whatever could not be done with them. */
export function bareEntry(entry: RawEntry, reason: string): InboxEntry {
  const { id, channel, provider, contentHash, body, headers, receivedAt } = entry;
  return {
    id,
    channel,
    provider,
    contentHash,
    body,
    headers,
    receivedAt,
    outcome: 'malformed',
    reason,
    messages: [],
    media: [],
    statuses: [],
    deletions: [],
  };
}

/** Stands for a payload that is kept as it came and not parsed, with the reason. */
class UnreadPayload {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A body of fewer bytes cannot hold so much that it matters. */
const harmlessBytes = 65_536;
const tooDeep = 'too_deep';

/**
 * The payload of a webhook, parsed unless that would keep everybody waiting. Throws `webhook.not_json`, without a cause: V8's message
 * quotes the body.
 */
export function parsePayload(bytes: Uint8Array): unknown {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const extent = body.length > harmlessBytes ? jsonExtentOf(body, mostParsed) : undefined;
  if (extent && exceeds(extent, mostParsed))
    return new UnreadPayload(extent.depth > mostParsed.depth ? tooDeep : tooMany);
  // Some senders start with a byte order mark, which JSON does not know.
  const text = body.toString('utf8');
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    throw new AppError('webhook.not_json', 'the body is not JSON');
  }
}

/** Everything that one webhook means, as rows. The same function serves a replay, with the id the delivery has. */
export function toEntry(id: string, webhook: ReceivedWebhook): InboxEntry {
  const { channel, rawBody, headers, receivedAt, payload } = webhook;
  const raw: RawEntry = {
    id,
    channel: channel.id,
    provider: channel.provider,
    contentHash: hash('sha256', rawBody, 'hex'),
    body: rawBody,
    headers,
    receivedAt: receivedAt.toISOString(),
  };
  if (payload instanceof UnreadPayload) return bareEntry(raw, payload.reason);
  const events = eventsOf(webhook);
  if (events === undefined) return bareEntry(raw, 'cannot be read');
  if (areTooMany(events)) return bareEntry(raw, tooMany);
  const { outcome, reason } = summarise(events);
  const { messages, media, statuses, deletions } = rowsOf(events, raw);
  // Member by member: copying whole objects is a tenth of what a webhook costs here.
  return {
    id,
    channel: raw.channel,
    provider: raw.provider,
    contentHash: raw.contentHash,
    body: rawBody,
    headers,
    receivedAt: raw.receivedAt,
    outcome,
    reason,
    messages,
    media,
    statuses,
    deletions,
  };
}

/** Undefined where the adapter fails, which it never should: the delivery is kept all the same, and can be read again once that is mended. */
function eventsOf({ channel, payload, receivedAt }: ReceivedWebhook): InboundEvent[] | undefined {
  try {
    return channel.adapter.parse(payload, receivedAt);
  } catch {
    return undefined;
  }
}

function areTooMany(events: readonly InboundEvent[]): boolean {
  const count = { messages: 0, media: 0, statuses: 0 };
  for (const event of events) {
    if (event.type === 'status' || event.type === 'deletion') count.statuses += 1;
    else if (event.type === 'message') {
      count.messages += 1;
      count.media += event.media.length;
    }
  }
  return count.messages > most.messages || count.media > most.media || count.statuses > most.statuses;
}

function rowsOf(events: readonly InboundEvent[], { id, contentHash, receivedAt }: RawEntry): Rows {
  const messages: MessageRow[] = [];
  const media: MediaRow[] = [];
  const statuses: StatusRow[] = [];
  const deletions: DeletionRow[] = [];
  for (const event of events) {
    if (event.type === 'message') {
      // Without an id of the provider's own, the same content is the same message.
      const given = event.messageId ?? `sha256:${contentHash}:${String(messages.length)}`;
      const messageId = storable(given, longestLabel);
      messages.push(toMessageRow(event, { id, messageId }));
      const counts = new Map<MediaKind, number>();
      for (const one of event.media) {
        const position = counts.get(one.kind) ?? 0;
        counts.set(one.kind, position + 1);
        media.push(toMediaRow(one, { id, messageId, direction: event.direction, position }));
      }
    } else if (event.type === 'status') statuses.push(toStatusRow(event, id));
    else if (event.type === 'deletion') deletions.push(toDeletionRow(event, { id, receivedAt }));
  }
  return { messages, media, statuses, deletions };
}

/** What must not be overlooked comes first. */
const ranks = { malformed: 4, message: 3, status: 2, deletion: 1, ignored: 0 } as const satisfies Record<
  InboundEvent['type'],
  number
>;

/** One outcome for the whole delivery. */
function summarise(events: readonly InboundEvent[]): { outcome: Outcome; reason: string | null } {
  let first = events[0];
  if (!first) return { outcome: 'ignored', reason: 'not a payload of this provider' };
  for (const event of events) if (ranks[event.type] > ranks[first.type]) first = event;
  switch (first.type) {
    case 'message':
      return { outcome: 'accepted', reason: null };
    case 'status':
      return { outcome: 'status', reason: null };
    case 'deletion':
      return { outcome: 'ignored', reason: 'deletion' };
    case 'ignored':
    case 'malformed':
      return { outcome: first.type, reason: first.reason };
  }
}

function toMessageRow(
  message: InboundMessage,
  { id, messageId }: { id: string; messageId: string },
): MessageRow {
  return {
    id: newId(),
    delivery_id: id,
    message_id: messageId,
    direction: message.direction,
    sender: storable(message.from, longestLabel),
    recipient: text(message.to, longestLabel),
    chat: text(message.chat, longestLabel),
    sender_name: text(message.senderName, longestLabel),
    caption: text(message.caption, longestText),
    sent_at: message.sentAt?.toISOString() ?? null,
  };
}

interface MediaPlace {
  /** Of the delivery. */
  readonly id: string;
  readonly messageId: string;
  readonly direction: Direction;
  readonly position: number;
}

function toMediaRow(media: InboundMedia, { id, messageId, direction, position }: MediaPlace): MediaRow {
  return {
    id: newId(),
    delivery_id: id,
    message_id: messageId,
    position,
    direction,
    kind: media.kind,
    declared_type: text(media.declaredType, longestLabel),
    declared_sha256: media.sha256,
    filename: media.filename === null ? null : storableName(media.filename, longestLabel),
    ...sourceColumns(media.source),
  };
}

type SourceColumns = Pick<
  MediaRow,
  'state' | 'source_url' | 'source_expires_at' | 'source_credentials' | 'error_code' | 'error_message'
>;

function sourceColumns(source: InboundMedia['source']): SourceColumns {
  if (source.type === 'unavailable') {
    return withoutSource({
      state: source.code === 'media.no_address' ? 'rejected' : 'failed',
      error_code: source.code,
      error_message: text(source.message, longestLabel),
    });
  }
  // A part of a link is another link, and whatever it leads to is not the picture.
  if (source.url.length > longestUrl) {
    return withoutSource({
      state: 'rejected',
      error_code: 'media.invalid_url',
      error_message: `the link has more than ${String(longestUrl)} characters`,
    });
  }
  return {
    state: 'pending',
    source_url: storable(source.url, longestUrl),
    source_expires_at: source.expiresAt?.toISOString() ?? null,
    source_credentials: source.needsCredentials,
    error_code: null,
    error_message: null,
  };
}

function withoutSource(error: Pick<SourceColumns, 'state' | 'error_code' | 'error_message'>): SourceColumns {
  return { ...error, source_url: null, source_expires_at: null, source_credentials: false };
}

function toStatusRow({ messageId, status, at, error }: StatusEvent, deliveryId: string): StatusRow {
  return {
    delivery_id: deliveryId,
    message_id: storable(messageId, longestLabel),
    status,
    at: at?.toISOString() ?? null,
    error_code: text(error?.code ?? null, longestLabel),
    error_message: text(error?.message ?? null, longestText),
  };
}

function toDeletionRow(
  { messageId, at }: DeletionEvent,
  { id, receivedAt }: Pick<RawEntry, 'id' | 'receivedAt'>,
): DeletionRow {
  return {
    delivery_id: id,
    message_id: storable(messageId, longestLabel),
    at: at?.toISOString() ?? receivedAt,
  };
}

function text(value: string | null, maxLength: number): string | null {
  return value === null ? null : storable(value, maxLength);
}
