/** A proven webhook becomes rows: parsed, given ids, committed. Nothing here waits for anything but the database, nor long for that. */
import { hash } from 'node:crypto';

import { newId } from '../domain/id.js';

import type { Channel } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import type { InboundEvent, InboundMedia, InboundMessage, StatusEvent } from '../domain/provider.js';
import { isDatabaseAway } from '../infra/database-away.js';
import type { Inbox, InboxEntry, MediaRow, MessageRow, Outcome, StatusRow } from '../infra/inbox.js';
import { storable } from '../infra/text.js';

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

/** A provider waits for its answer, and some of them not for long. */
const patienceMs = 2_000;

export function createReceive(inbox: Pick<Inbox, 'commit'>, shelter: Shelter): Receive {
  return async (webhook) => {
    const entry = toEntry(newId(), webhook);
    if (shelter.isNeeded()) return shelter.take(entry);
    try {
      return await commit(inbox, entry, patienceMs);
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      shelter.open(error);
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
    if (!isRefusedData(error)) throw error;
    const bare = bareEntry(entry, 'cannot be stored');
    return { outcome: bare.outcome, ...(await inbox.commit(bare, patience)) };
  }
}

/** The raw bytes are kept, whatever could not be done with them. */
export function bareEntry(
  entry: Omit<InboxEntry, 'outcome' | 'reason' | 'messages' | 'media' | 'statuses'>,
  reason: string,
): InboxEntry {
  return { ...entry, outcome: 'malformed', reason, messages: [], media: [], statuses: [] };
}

/** The payload of a webhook. Throws `webhook.not_json`, without a cause: V8's message quotes the body. */
export function parsePayload(body: Uint8Array): unknown {
  // Some senders start with a byte order mark, which JSON does not know.
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    throw new AppError('webhook.not_json', 'the body is not JSON');
  }
}

/** Everything that one webhook means, as rows. The same function serves a replay, with the id the delivery has. */
export function toEntry(
  id: string,
  { channel, rawBody, payload, headers, receivedAt }: ReceivedWebhook,
): InboxEntry {
  const contentHash = hash('sha256', rawBody, 'hex');
  const events = channel.adapter.parse(payload, receivedAt);
  const messages: MessageRow[] = [];
  const media: MediaRow[] = [];
  const statuses: StatusRow[] = [];
  for (const event of events) {
    if (event.type === 'message') {
      // Without an id of the provider's own, the same content is the same message.
      const given = event.messageId ?? `sha256:${contentHash}:${String(messages.length)}`;
      const messageId = storable(given, longestLabel);
      messages.push(toMessageRow(event, { id, messageId }));
      for (const one of event.media) media.push(toMediaRow(one, { id, messageId, message: event }));
    } else if (event.type === 'status') statuses.push(toStatusRow(event, id));
  }
  const { outcome, reason } = summarise(events);
  return {
    id,
    channel: channel.id,
    provider: channel.provider,
    contentHash,
    body: rawBody,
    headers,
    outcome,
    reason,
    receivedAt: receivedAt.toISOString(),
    messages,
    media,
    statuses,
  };
}

/** What must not be overlooked comes first. */
const ranks = { malformed: 3, message: 2, status: 1, ignored: 0 } as const satisfies Record<
  InboundEvent['type'],
  number
>;

/** One outcome for the whole delivery. */
function summarise(events: readonly InboundEvent[]): { outcome: Outcome; reason: string | null } {
  let first = events[0];
  if (!first) return { outcome: 'ignored', reason: 'not a payload of this provider' };
  for (const event of events) if (ranks[event.type] > ranks[first.type]) first = event;
  if (first.type === 'message') return { outcome: 'accepted', reason: null };
  return { outcome: first.type, reason: first.type === 'status' ? null : first.reason };
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
  readonly message: InboundMessage;
}

function toMediaRow(media: InboundMedia, { id, messageId, message }: MediaPlace): MediaRow {
  return {
    id: newId(),
    delivery_id: id,
    message_id: messageId,
    position: positionAmongKind(message.media, media),
    direction: message.direction,
    kind: media.kind,
    declared_type: text(media.declaredType, longestLabel),
    declared_sha256: media.sha256,
    filename: text(media.filename, longestLabel),
    ...sourceColumns(media.source),
  };
}

function positionAmongKind(all: readonly InboundMedia[], media: InboundMedia): number {
  let position = 0;
  for (const one of all) {
    if (one === media) break;
    if (one.kind === media.kind) position += 1;
  }
  return position;
}

type SourceColumns = Pick<
  MediaRow,
  'state' | 'source_url' | 'source_expires_at' | 'source_credentials' | 'error_code' | 'error_message'
>;

function sourceColumns(source: InboundMedia['source']): SourceColumns {
  if (source.type === 'link') {
    return {
      state: 'pending',
      source_url: storable(source.url, longestUrl),
      source_expires_at: source.expiresAt?.toISOString() ?? null,
      source_credentials: source.needsCredentials,
      error_code: null,
      error_message: null,
    };
  }
  return {
    state: source.code === 'media.no_address' ? 'rejected' : 'failed',
    source_url: null,
    source_expires_at: null,
    source_credentials: false,
    error_code: source.code,
    error_message: text(source.message, longestLabel),
  };
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

function text(value: string | null, maxLength: number): string | null {
  return value === null ? null : storable(value, maxLength);
}

/** PostgreSQL's classes for data that it cannot take (22), rows that break a rule (23) and limits of size (54). */
function isRefusedData(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|54)/.test(String(error.code));
}
