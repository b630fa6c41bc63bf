/**
 * Webhooks of Vonage. Two products post pictures: the Messages API (Vonage/vonage-java-sdk messages/InboundMessage.java
 * @609f524) and the Conversation API (Nexmo/nexmo-developer conversation/concepts/event.md @4da2b39).
 */
import type { InboundEvent, MediaKind, MessageStatus } from '../../domain/provider.js';
import {
  ignored,
  ignoredKind,
  linkTo,
  malformed,
  mediaFrom,
  mediaKindOf,
  messageEvents,
  statusError,
  statusEvent,
} from '../kit/events.js';
import {
  dateFromIso,
  fieldsOf,
  identifier,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';

/** Media hosts by region: api.nexmo.com, api-us.nexmo.com, api-eu-3.vonage.com (legacy-client-sdk/in-app-messaging guides). */
export const vonageHost = /^api([-.][a-z0-9-]+)?\.(nexmo|vonage)\.com$/;
/** Inbound media of the Messages API are kept for 48 hours (developer.vonage.com, secure inbound media). */
const mediaLifetimeMs = 48 * 60 * 60 * 1000;

/** `submitted` … of the Messages API (MessageStatusTest.java @609f524), `seen` of conversation events. */
const statuses: Readonly<Record<string, MessageStatus>> = {
  submitted: 'sent',
  delivered: 'delivered',
  read: 'read',
  seen: 'read',
  rejected: 'failed',
  undeliverable: 'failed',
};

export function parse(payload: unknown, receivedAt: Date): InboundEvent[] {
  const body = fieldsOf(payload);
  const { type } = body;
  if (typeof type === 'string' && ('conversation_id' in body || 'application_id' in body))
    return eventsOfConversation(body, type);
  return 'message_uuid' in body || 'message_type' in body || isStatus(body)
    ? eventsOfMessagesApi(body, receivedAt)
    : [];
}

function eventsOfMessagesApi(body: JsonRecord, receivedAt: Date): InboundEvent[] {
  if ('message_type' in body) return eventsOfMessage(body, receivedAt);
  if ('message' in body) return eventsOfMessage(flattened(body), receivedAt);
  return isStatus(body) ? [eventOfStatus(body)] : [malformed('message without a type')];
}

function isStatus(body: JsonRecord): boolean {
  return 'status' in body && ('message_uuid' in body || 'channel' in body);
}

/** Messages API v0.1 nests: `{from:{type,number}, message:{content:{type,image}}}` (Nexmo/api-specification messages-olympus.yml @ad04200). */
function flattened({ message, ...envelope }: JsonRecord): JsonRecord {
  const content = fieldsOf(fieldsOf(message)['content']);
  return { ...content, ...envelope, message_type: content['type'] };
}

function eventsOfMessage(body: JsonRecord, receivedAt: Date): InboundEvent[] {
  const { message_type: type } = body;
  if (typeof type !== 'string') return [malformed('message without a type')];
  const kind = kindOf(type);
  if (kind === undefined) return [ignoredKind(type)];
  const media = fieldsOf(body[type]);
  const { url } = media;
  const expiresAt = isVonageLink(url) ? new Date(receivedAt.getTime() + mediaLifetimeMs) : null;
  return messageEvents({
    messageId: identifier(body['message_uuid']),
    direction: 'inbound',
    from: partyOf(body['from']),
    to: partyOf(body['to']) ?? null,
    chat: null,
    senderName: textOrNull(fieldsOf(body['profile'])['name']),
    caption: textOrNull(media['caption']),
    sentAt: dateFromIso(body['timestamp']),
    media: [
      mediaFrom({
        kind,
        // Links are open unless "secure inbound media" is on; only Vonage's own hosts ever see the token.
        source: linkTo(url, { expiresAt, needsCredentials: true }),
        filename: media['name'],
      }),
    ],
  });
}

/** `error.title` is the code, and sometimes a number (MessageStatusTest.java @609f524). */
function eventOfStatus({ message_uuid: uuid, status, timestamp, error }: JsonRecord): InboundEvent {
  const { title, detail, code, reason } = fieldsOf(error);
  return statusEvent({
    messageId: identifier(uuid),
    status: lookUp(statuses, status),
    at: dateFromIso(timestamp),
    error: statusError(title ?? code, detail ?? reason),
  });
}

function eventsOfConversation(event: JsonRecord, type: string): InboundEvent[] {
  const body = fieldsOf(event['body']);
  const subject = /^(?:text|image|message):(\w+)$/.exec(type)?.[1];
  const status = lookUp(statuses, subject);
  if (status !== undefined)
    return [
      statusEvent({
        messageId: conversationId(event['conversation_id'], body['event_id']),
        status,
        at: dateFromIso(event['timestamp']),
      }),
    ];
  if (type === 'image') return pictureInConversation(event, 'image', originalOf(body));
  if (type !== 'message') return [ignored(type === 'text' ? 'text' : 'conversation event')];
  const { message_type: word } = body;
  if (typeof word !== 'string') return [malformed('message without a type')];
  const kind = kindOf(word);
  return kind === undefined ? [ignoredKind(word)] : pictureInConversation(event, kind, fieldsOf(body[word]));
}

/** The whole picture; `medium` and `thumbnail` are copies of it (vonage JS SDK ImageEvent; no official webhook sample). */
const originalOf = (body: JsonRecord): JsonRecord => fieldsOf(fieldsOf(body['representations'])['original']);

/** Who in a conversation is the business's side cannot be told, so every message counts as inbound. */
function pictureInConversation(event: JsonRecord, kind: MediaKind, media: JsonRecord): InboundEvent[] {
  const user = fieldsOf(fieldsOf(event['_embedded'])['from_user']);
  const { conversation_id: conversation } = event;
  return messageEvents({
    messageId: conversationId(conversation, event['id']),
    direction: 'inbound',
    from: identifier(user['id']) ?? identifier(event['from']),
    to: null,
    chat: identifier(conversation) ?? null,
    senderName: textOrNull(user['name']),
    caption: textOrNull(media['caption']),
    sentAt: dateFromIso(event['timestamp']),
    media: [
      mediaFrom({
        kind,
        // The sender may have passed any address (vonage-node-sdk messageImageBody.ts @babd2d8). Expiry: UNVERIFIED.
        source: linkTo(media['url'], { needsCredentials: true }),
        declaredType: media['type'],
        filename: media['name'],
      }),
    ],
  });
}

/** Ids of events count up within their conversation. */
export function conversationId(conversation: unknown, eventId: unknown): string | undefined {
  const event = Number.isSafeInteger(eventId) ? String(eventId) : identifier(eventId);
  const scope = identifier(conversation);
  return scope === undefined || event === undefined ? undefined : identifier(`${scope}:${event}`);
}

/** `file` is any document; vcards are contacts, not media. */
function kindOf(word: string): MediaKind | undefined {
  return word === 'file' ? 'document' : mediaKindOf(word);
}

function partyOf(party: unknown): string | undefined {
  const { number, id } = fieldsOf(party);
  return personId(party) ?? personId(number) ?? personId(id);
}

function isVonageLink(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && vonageHost.test(new URL(url).hostname);
}
