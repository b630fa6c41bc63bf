/**
 * Parses webhooks of AISoule. Its two generations of documentation disagree; both are understood: v1
 * https://aisoule.com/docs/webhooks/webhook-events, v2
 * https://aisoule.com/help/integrations/webhooks-receiving
 */
import {
  mediaKinds,
  type InboundEvent,
  type MediaKind,
  type MediaSource,
  type MessageStatus,
} from '../../domain/provider.js';
import { type ContextContent, metaContent, textContent, withContext } from '../kit/context.js';
import {
  deletion,
  furtherNames,
  ignored,
  ignoredKind,
  isMediaFree,
  linkTo,
  malformed,
  mediaFrom,
  mediaKindOf,
  messageEvents,
  statusError,
  statusEvent,
} from '../kit/events.js';
import {
  asRecord,
  dateFromIso,
  dateFromSeconds,
  fieldsOf,
  firstAddress,
  firstPresent,
  firstText,
  identifier,
  isAbsent,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';
import { metaEvents } from '../kit/meta.js';
import type { MetaDialect } from '../kit/meta-message.js';

const statuses: Readonly<Record<string, MessageStatus>> = {
  'message.sent': 'sent',
  'message.delivered': 'delivered',
  'message.read': 'read',
  // This and the next two are undocumented, but WhatsApp has them, so AISoule may pass them on.
  'message.played': 'read',
  'message.failed': 'failed',
};
const deletions: ReadonlySet<unknown> = new Set(['message.deleted', 'message.revoked']);

/** `dialect` says what Meta's own ids are worth, which both formats contain. */
export function parserFor(dialect: MetaDialect): (payload: unknown) => InboundEvent[] {
  return (payload) => metaEvents(payload, dialect) ?? ownEvents(fieldsOf(payload), dialect);
}

function ownEvents({ event, timestamp, data }: JsonRecord, dialect: MetaDialect): InboundEvent[] {
  // v1 writes seconds, v2 ISO 8601.
  const sentAt = dateFromSeconds(timestamp) ?? dateFromIso(timestamp);
  const name = typeof event === 'string' ? event : '';
  const reading = { sentAt, dialect };
  if (name.startsWith('message.')) return eventsOfMessageEvent(name, data, reading);
  if (name === 'ping') return [ignored('ping')];
  if (/^(?:contact|campaign|transfer)\./.test(name)) return [ignored('account event')];
  return hasFile(fieldsOf(data)) ? eventsOfMessage(fieldsOf(data), reading) : [];
}

interface Reading {
  readonly sentAt: Date | null;
  readonly dialect: MetaDialect;
}

/** Whether the data contains a file with a link, regardless of the name of the event. */
function hasFile(data: JsonRecord): boolean {
  const kind = mediaKindOf(typeIn(data));
  return kind !== undefined && linkIn(data, kind) !== undefined;
}

function eventsOfMessageEvent(event: string, data: unknown, reading: Reading): InboundEvent[] {
  const { sentAt: at } = reading;
  const status = lookUp(statuses, event);
  if (status !== undefined) return [eventOfStatus(status, at, fieldsOf(data))];
  if (deletions.has(event)) return [deletion(identifier(fieldsOf(data)['message_id']), at)];
  // An undocumented event may contain a picture.
  if (event !== 'message.received' && event !== 'message.incoming' && !hasFile(fieldsOf(data)))
    return [malformed('message event of an unknown kind')];
  const content = asRecord(data);
  return content === undefined ? [malformed('message without data')] : eventsOfMessage(content, reading);
}

function eventOfStatus(status: MessageStatus, at: Date | null, data: JsonRecord): InboundEvent {
  // The contents of a failed message are not documented (UNVERIFIED).
  const { error } = data;
  const { code, message } = fieldsOf(error);
  return statusEvent({
    messageId: identifier(data['message_id']),
    status,
    at,
    error: status === 'failed' ? statusError(code, firstPresent([message, error])) : null,
  });
}

function eventsOfMessage(data: JsonRecord, { sentAt, dialect }: Reading): InboundEvent[] {
  const type = typeIn(data);
  if (typeof type !== 'string') return [malformed('message without a type')];
  const kind = mediaKindOf(type);
  const facts = factsOf(data, sentAt);
  if (kind === undefined) return [withContext(ignoredKind(type), contentOf(data, type), facts)];
  const block = fieldsOf(data[kind]);
  return messageEvents({
    ...facts,
    caption: firstText([block['caption'], data['caption']]),
    media: [
      mediaFrom({
        kind,
        source: linkIn(data, kind) ?? dialect.sourceOf({ url: undefined, id: block['id'] }),
        declaredType: firstText([block['mime_type'], data['mime_type']]),
        filename: firstText([block['filename'], data['filename']]),
        sha256: block['sha256'],
      }),
    ],
  });
}

/** What all messages have in common. */
function factsOf(data: JsonRecord, sentAt: Date | null) {
  return {
    messageId: identifier(data['message_id']),
    direction: 'inbound',
    from: senderOf(data),
    to: personId(data['recipient']) ?? personId(data['waba_number']) ?? null,
    chat: null,
    senderName: textOrNull(data['contact_name']),
    ...furtherNames({ personAlias: aliasOf(data) }),
    sentAt,
  } as const;
}

/** A text is in `body` or `text` (aisoule.com/docs/webhooks); other contents are UNVERIFIED. */
function contentOf(data: JsonRecord, type: string): ContextContent | undefined {
  if (type === 'text') return textContent(data['body'], data['text'], fieldsOf(data['text'])['body']);
  return metaContent(data, type);
}

/** If the type is missing or unknown, the existing block or the MIME type beside the link decides. */
function typeIn(data: JsonRecord): unknown {
  const { type, mime_type: mimeType } = data;
  if (mediaKindOf(type) !== undefined || isMediaFree(type)) return type;
  const kindOfBlock = mediaKinds.find((kind) => asRecord(data[kind]) && !isAbsent(data[kind]));
  const family = textOrNull(mimeType)?.split('/', 1)[0];
  // People write links, too: a link in the text of another message is not a file.
  const link = linkIn(isAbsent(type) ? data : { ...data, body: null }, 'document');
  return kindOfBlock ?? mediaKindOf(family) ?? (link === undefined ? type : 'document');
}

/** How AISoule names people without a phone number is UNVERIFIED; these are Meta's names. */
function senderOf(data: JsonRecord): string | undefined {
  const { sender, from, from_user_id: userId, user_id: bareUserId } = data;
  return personId(sender) ?? personId(from) ?? personId(userId) ?? personId(bareUserId);
}

/** The id beside a number. */
function aliasOf(data: JsonRecord): string | undefined {
  const userId = personId(data['from_user_id']) ?? personId(data['user_id']);
  return userId === senderOf(data) ? undefined : userId;
}

/**
 * No documentation shows an inbound picture, so every location is UNVERIFIED: first the block that sending
 * documents (aisoule.com/docs/messaging/send-media), then flat fields, then a link in `body`.
 */
function linkIn(data: JsonRecord, kind: MediaKind): MediaSource | undefined {
  const block = fieldsOf(data[kind]);
  const media = fieldsOf(data['media']);
  const { body } = data;
  const candidates = [
    block['link'],
    block['url'],
    data['media_url'],
    data['url'],
    data['link'],
    media['url'],
    media['link'],
    typeof body === 'string' && /^https:\/\/\S+$/i.test(body) ? body : undefined,
  ];
  return linkTo(firstAddress(candidates));
}
