/**
 * Turns a verified webhook into rows: parses it, assigns ids and commits. It waits for the database only, and
 * not for long.
 */
import { hash } from 'node:crypto';

import { newId } from '../../domain/id.js';
import { exceeds, jsonExtentOf, parseLimits } from '../../domain/json-extent.js';

import type { Channel } from '../../domain/channel.js';
import { embeddedReference, looksEmbedded } from '../../domain/embedded.js';
import { AppError, mediaErrorVerdict } from '../../domain/errors.js';
import type { Evaluate } from '../../domain/evaluation.js';
import type {
  DeletionEvent,
  Direction,
  InboundContext,
  InboundEvent,
  InboundMedia,
  InboundMessage,
  MediaKind,
  StatusEvent,
} from '../../domain/provider.js';
import type { Outcome, Receipt } from '../../domain/receipt.js';
import { DatabaseTimeoutError, isDataRefused } from '../../infra/postgres/errors.js';
import { storable, storableName } from '../../infra/postgres/storable-text.js';
import {
  isLarge,
  type ContextRow,
  type DeletionRow,
  type InboxEntry,
  type MediaRow,
  type MessageRow,
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

export type Receive = (webhook: ReceivedWebhook) => Promise<Receipt>;

/** Limits in UTF-16 units: texts written by people may be long, identifiers may not. */
const maxTextLength = 16_384;
const maxLabelLength = 255;
const maxUrlLength = 8_192;
const maxReferenceLength = 1_024;

/**
 * The limits of one webhook. Real webhooks contain a few items; thousands come from a broken or hostile
 * sender.
 */
const maxPerWebhook = { messages: 10_000, media: 10_000, statuses: 50_000 } as const;
/** The reason of a delivery that exceeds the limits. */
const tooMany = 'too_many';

/** Providers wait for the answer, some of them only briefly. */
const commitTimeoutMs = 2_000;
/** Writing a large webhook takes several seconds, even with a fast database. */
const largeCommitTimeoutMs = 20_000;

/** Returns the evaluator for the expressions of a channel. */
export type EvaluateFor = (channel: Pick<Channel, 'id'>) => Evaluate;

export interface ReceiveDependencies {
  readonly inbox: Pick<Inbox, 'commit'>;
  readonly fallback: WebhookFallback;
  readonly evaluate: EvaluateFor;
}

export function createReceive({ inbox, fallback, evaluate }: ReceiveDependencies): Receive {
  return async (webhook) => {
    // Nearly all adapters read the payload as it is, without a detour.
    const { translate } = webhook.channel.adapter;
    const entry = translate ? await entryOf(webhook, evaluate) : toEntry(newId(), webhook);
    if (fallback.isActive()) return fallback.store(entry);
    try {
      return await commit(inbox, entry, isLarge(entry) ? largeCommitTimeoutMs : commitTimeoutMs);
    } catch (error) {
      if (isDataRefused(error)) throw error;
      // A timeout for a large webhook does not mean that the database is unavailable.
      if (!(isLarge(entry) && error instanceof DatabaseTimeoutError)) fallback.activate(error);
      return fallback.store(entry);
    }
  };
}

/**
 * Stores what a caller of Inlet has fetched, in the database or not at all: the caller can try again, and the
 * receipt says whether it is new, which is not known in the spool.
 */
export function createReceiveFetched({
  inbox,
  evaluate,
}: Pick<ReceiveDependencies, 'inbox' | 'evaluate'>): Receive {
  return async (webhook) => commit(inbox, await entryOf(webhook, evaluate), largeCommitTimeoutMs);
}

async function entryOf(webhook: ReceivedWebhook, evaluate: EvaluateFor): Promise<InboxEntry> {
  return toEntry(newId(), await translated(webhook, evaluate));
}

/** Stores webhooks while the database is unavailable. */
export interface WebhookFallback {
  /** Whether the database was unavailable at the last attempt. */
  readonly isActive: () => boolean;
  /** Called when the database did not store a webhook, with the reason. */
  readonly activate: (reason: unknown) => void;
  /**
   * Resolves when the webhook is durable. Its rows are written once the database is available, with the ids
   * of the receipt.
   */
  readonly store: (entry: InboxEntry) => Promise<Receipt>;
}

/** Writes the rows of a webhook, or only its raw bytes if the database refuses the parsed data. */
export async function commit(
  inbox: Pick<Inbox, 'commit'>,
  entry: InboxEntry,
  timeoutMs?: number,
): Promise<Receipt> {
  try {
    return { outcome: entry.outcome, ...(await inbox.commit(entry, timeoutMs)) };
  } catch (error) {
    if (!isDataRefused(error)) throw error;
    const malformed = malformedEntry(entry, 'cannot be stored');
    return { outcome: malformed.outcome, ...(await inbox.commit(malformed, timeoutMs)) };
  }
}

/** The facts about a delivery that are known before it is parsed. */
export type RawEntry = Omit<InboxEntry, 'outcome' | 'reason' | keyof Rows>;

type Rows = Pick<InboxEntry, 'messages' | 'media' | 'statuses' | 'deletions' | 'contexts'>;

/** The entry for a delivery that cannot be parsed or stored completely: only its raw bytes are kept. */
export function malformedEntry(entry: RawEntry, reason: string): InboxEntry {
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
    contexts: [],
  };
}

/** Replaces a payload that is stored raw and not parsed, with the reason. */
class UnreadPayload {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** A smaller body cannot contain enough items to matter. */
const uncheckedBytes = 65_536;
const tooDeep = 'too_deep';

/**
 * Parses the body of a webhook, unless that would block other requests for too long. Throws
 * `webhook.not_json` without a cause, because V8's message quotes the body.
 */
export function parsePayload(bytes: Uint8Array): unknown {
  const body = bufferOf(bytes);
  const extent = body.length > uncheckedBytes ? jsonExtentOf(body, parseLimits) : undefined;
  if (extent && exceeds(extent, parseLimits))
    return new UnreadPayload(extent.depth > parseLimits.depth ? tooDeep : tooMany);
  // Some senders start with a byte order mark, which JSON does not allow.
  const text = body.toString('utf8');
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    throw new AppError('webhook.not_json', 'the body is not JSON');
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Reads the payload of a webhook as its provider writes it. Throws `webhook.not_json` if it cannot be read.
 */
export function payloadOf(
  { adapter }: Pick<Channel, 'adapter'>,
  rawBody: Uint8Array,
  headers: Readonly<Record<string, string | undefined>>,
): unknown {
  return adapter.decode?.(rawBody, headers['content-type']) ?? parsePayload(rawBody);
}

/** A webhook whose payload is what the adapter parses. Never rejects. */
export async function translated<Webhook extends Pick<ReceivedWebhook, 'channel' | 'payload'>>(
  webhook: Webhook,
  evaluate: EvaluateFor,
): Promise<Webhook> {
  const { channel, payload } = webhook;
  const { translate } = channel.adapter;
  if (!translate || payload instanceof UnreadPayload) return webhook;
  return { ...webhook, payload: await translate(payload, evaluate(channel)) };
}

/**
 * Converts everything that one webhook contains to rows. The payload must be translated. A replay uses the
 * same function with the existing id of the delivery.
 */
export function toEntry(id: string, webhook: ReceivedWebhook): InboxEntry {
  const { channel, rawBody, headers, receivedAt } = webhook;
  const raw: RawEntry = {
    id,
    channel: channel.id,
    provider: channel.provider,
    contentHash: hash('sha256', rawBody, 'hex'),
    body: rawBody,
    headers,
    receivedAt: receivedAt.toISOString(),
  };
  const { events, outcome, reason } = readEvents(webhook);
  const { messages, media, statuses, deletions, contexts } = rowsOf(events, raw);
  // The members are listed one by one, because copying whole objects takes a tenth of the time for a webhook.
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
    contexts,
  };
}

/** The events of a webhook, and what they make of it. */
export interface ReadEvents {
  readonly events: readonly InboundEvent[];
  readonly outcome: Outcome;
  readonly reason: string | null;
}

/** Reads a webhook whose payload is translated. What cannot be read or stored completely has no events. */
export function readEvents(webhook: Pick<ReceivedWebhook, 'channel' | 'payload' | 'receivedAt'>): ReadEvents {
  const { payload } = webhook;
  if (payload instanceof UnreadPayload) return unreadable(payload.reason);
  const events = eventsOf(webhook);
  if (events === undefined) return unreadable('cannot be read');
  return exceedsLimits(events) ? unreadable(tooMany) : { events, ...outcomeOf(events) };
}

function unreadable(reason: string): ReadEvents {
  return { events: [], outcome: 'malformed', reason };
}

/**
 * Returns undefined if the adapter throws, which it should never do. The delivery is still kept and can be
 * parsed again once the adapter is fixed.
 */
function eventsOf({
  channel,
  payload,
  receivedAt,
}: Parameters<typeof readEvents>[0]): InboundEvent[] | undefined {
  try {
    return channel.adapter.parse(payload, receivedAt);
  } catch {
    return undefined;
  }
}

function exceedsLimits(events: readonly InboundEvent[]): boolean {
  const count = { messages: 0, media: 0, statuses: 0 };
  for (const event of events) {
    if (event.type === 'status' || event.type === 'deletion') count.statuses += 1;
    else if (event.type === 'message') {
      count.messages += 1;
      count.media += event.media.length;
    }
  }
  return (
    count.messages > maxPerWebhook.messages ||
    count.media > maxPerWebhook.media ||
    count.statuses > maxPerWebhook.statuses
  );
}

function rowsOf(events: readonly InboundEvent[], { id, contentHash, receivedAt }: RawEntry): Rows {
  const messages: MessageRow[] = [];
  const media: MediaRow[] = [];
  const statuses: StatusRow[] = [];
  const deletions: DeletionRow[] = [];
  for (const event of events) {
    if (event.type === 'message') {
      // If the provider gives no id, the same content counts as the same message.
      const sourceId = event.messageId ?? `sha256:${contentHash}:${String(messages.length)}`;
      const messageId = storable(sourceId, maxLabelLength);
      messages.push(toMessageRow(event, { id, messageId }));
      const counts = new Map<MediaKind, number>();
      for (const item of event.media) {
        const position = counts.get(item.kind) ?? 0;
        counts.set(item.kind, position + 1);
        const { direction } = event;
        media.push(toMediaRow(item, { id, contentHash, messageId, direction, position }));
      }
    } else if (event.type === 'status') statuses.push(toStatusRow(event, id));
    else if (event.type === 'deletion') deletions.push(toDeletionRow(event, { id, receivedAt }));
  }
  return { messages, media, statuses, deletions, contexts: contextsOf(events, id) };
}

/** The context in events that are ignored otherwise; of a flood of them, what is stored is limited. */
function contextsOf(events: readonly InboundEvent[], deliveryId: string): ContextRow[] {
  const rows: ContextRow[] = [];
  for (const event of events)
    if (event.type === 'ignored' && event.context && rows.length < maxPerWebhook.messages)
      rows.push(toContextRow(event.context, deliveryId));
  return rows;
}

/** The most important event type has the highest rank. */
const ranks = { malformed: 4, message: 3, status: 2, deletion: 1, ignored: 0 } as const satisfies Record<
  InboundEvent['type'],
  number
>;

/** Determines one outcome for the whole delivery. */
function outcomeOf(events: readonly InboundEvent[]): { outcome: Outcome; reason: string | null } {
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
    sender: storable(message.from, maxLabelLength),
    recipient: text(message.to, maxLabelLength),
    chat: text(message.chat, maxLabelLength),
    sender_name: text(message.senderName, maxLabelLength),
    chat_name: text(message.chatName ?? null, maxLabelLength),
    person_alias: text(message.personAlias ?? null, maxLabelLength),
    caption: text(message.caption, maxTextLength),
    sent_at: message.sentAt?.toISOString() ?? null,
  };
}

interface MediaContext {
  /** The id of the delivery. */
  readonly id: string;
  readonly contentHash: string;
  readonly messageId: string;
  readonly direction: Direction;
  readonly position: number;
}

function toMediaRow(media: InboundMedia, context: MediaContext): MediaRow {
  const { id, contentHash, messageId, direction, position } = context;
  return {
    id: newId(),
    delivery_id: id,
    message_id: messageId,
    position,
    direction,
    kind: media.kind,
    declared_type: text(media.declaredType, maxLabelLength),
    declared_sha256: media.sha256,
    filename: storableName(media.filename, maxLabelLength),
    file_key: text(media.key ?? null, maxLabelLength),
    ...sourceColumns(media.source, contentHash),
  };
}

type SourceColumns = Pick<
  MediaRow,
  | 'state'
  | 'source_url'
  | 'source_reference'
  | 'source_expires_at'
  | 'source_credentials'
  | 'error_code'
  | 'error_message'
>;

function sourceColumns(source: InboundMedia['source'], contentHash: string): SourceColumns {
  switch (source.type) {
    case 'unavailable':
      return withoutSource({
        state: mediaErrorVerdict(source.code) === 'failed' ? 'failed' : 'rejected',
        error_code: source.code,
        error_message: text(source.message, maxLabelLength),
      });
    case 'reference':
      return addressColumns({ ...unknownLink, reference: foreignReference(source.reference) });
    case 'link':
      return addressColumns({ ...source, reference: foreignReference(source.reference) });
    case 'embedded':
      return addressColumns({
        ...unknownLink,
        reference: embeddedReference({ contentHash, pointer: source.pointer }),
      });
  }
}

/** A provider's own id, which must not be taken for a place in a stored webhook. */
function foreignReference(reference: string | undefined): string | null {
  return reference === undefined || looksEmbedded(reference) ? null : reference;
}

interface Address {
  readonly url: string | null;
  readonly reference: string | null;
  readonly expiresAt: Date | null;
  readonly needsCredentials: boolean;
}

const unknownLink = { url: null, expiresAt: null, needsCredentials: false } as const;

function addressColumns({ url, reference, expiresAt, needsCredentials }: Address): SourceColumns {
  // A truncated address would lead to something else, so it is not stored.
  if (isTooLong(url, maxUrlLength) || isTooLong(reference, maxReferenceLength)) {
    return withoutSource({
      state: 'rejected',
      error_code: 'media.invalid_url',
      error_message: `the link has more than ${String(maxUrlLength)} characters, or the id more than ${String(maxReferenceLength)}`,
    });
  }
  if (url === null && reference === null) {
    return withoutSource({
      state: 'rejected',
      error_code: 'media.no_address',
      error_message: 'the provider gave an id that cannot be used',
    });
  }
  return {
    state: 'pending',
    source_url: text(url, maxUrlLength),
    source_reference: text(reference, maxReferenceLength),
    source_expires_at: expiresAt?.toISOString() ?? null,
    source_credentials: needsCredentials,
    error_code: null,
    error_message: null,
  };
}

function isTooLong(value: string | null, maxLength: number): boolean {
  return value !== null && value.length > maxLength;
}

function withoutSource(error: Pick<SourceColumns, 'state' | 'error_code' | 'error_message'>): SourceColumns {
  return {
    ...error,
    source_url: null,
    source_reference: null,
    source_expires_at: null,
    source_credentials: false,
  };
}

function toStatusRow({ messageId, status, at, error }: StatusEvent, deliveryId: string): StatusRow {
  return {
    delivery_id: deliveryId,
    message_id: storable(messageId, maxLabelLength),
    status,
    at: at?.toISOString() ?? null,
    error_code: text(error?.code ?? null, maxLabelLength),
    error_message: text(error?.message ?? null, maxTextLength),
  };
}

function toDeletionRow(
  { messageId, at }: DeletionEvent,
  { id, receivedAt }: Pick<RawEntry, 'id' | 'receivedAt'>,
): DeletionRow {
  return {
    delivery_id: id,
    message_id: storable(messageId, maxLabelLength),
    at: at?.toISOString() ?? receivedAt,
  };
}

function toContextRow(context: InboundContext, deliveryId: string): ContextRow {
  const { kind, direction, place, sentAt } = context;
  return {
    id: newId(),
    delivery_id: deliveryId,
    message_id: storable(context.messageId, maxLabelLength),
    kind,
    direction,
    ...partiesOfContext(context),
    text: text(context.text, maxTextLength),
    latitude: place?.latitude ?? null,
    longitude: place?.longitude ?? null,
    sent_at: sentAt?.toISOString() ?? null,
    is_provisional: false,
  };
}

type Parties = 'person' | 'chat' | 'sender' | 'name' | 'person_name' | 'chat_name' | 'person_alias';

function partiesOfContext(context: InboundContext): Pick<ContextRow, Parties> {
  const { direction, from, to, chat, senderName, chatName = null, personAlias = null } = context;
  const label = (value: string | null): string | null => text(value, maxLabelLength);
  const recipientName = chat === null ? chatName : null;
  return {
    person: label(direction === 'inbound' ? from : to),
    chat: label(chat),
    sender: storable(from, maxLabelLength),
    name: label(senderName),
    person_name: label(direction === 'inbound' ? senderName : recipientName),
    chat_name: label(chatName),
    person_alias: label(personAlias),
  };
}

function text(value: string | null, maxLength: number): string | null {
  return value === null ? null : storable(value, maxLength);
}
