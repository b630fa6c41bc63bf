/**
 * Parses webhooks of Vonage. Two products send pictures: the Messages API (Vonage/vonage-java-sdk
 * messages/InboundMessage.java @609f524) and the Conversation API (Nexmo/nexmo-developer
 * conversation/concepts/event.md @4da2b39).
 */
import {
  mediaKinds,
  type InboundEvent,
  type InboundMedia,
  type MediaKind,
  type MessageStatus,
} from '../../domain/provider.js';
import { type ContextContent, locationContent, textContent, withContext } from '../kit/context.js';
import {
  deletion,
  furtherNames,
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
  asRecord,
  dateFromIso,
  fieldsOf,
  firstPresent,
  firstText,
  identifier,
  isAbsent,
  itemsOf,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';

/**
 * Media hosts by region: api.nexmo.com, api-us.nexmo.com, api-eu-3.vonage.com
 * (legacy-client-sdk/in-app-messaging guides).
 */
export const vonageHost = /^api([-.][a-z0-9-]+)?\.(nexmo|vonage)\.com$/;
/** Inbound media of the Messages API are kept for 48 hours (developer.vonage.com, secure inbound media). */
const mediaLifetimeMs = 48 * 60 * 60 * 1000;

/** `submitted` … of the Messages API (MessageStatusTest.java @609f524), `seen` of conversation events. */
const statuses: Readonly<Record<string, MessageStatus>> = {
  submitted: 'sent',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
  seen: 'read',
  rejected: 'failed',
  undeliverable: 'failed',
};

export function parse(payload: unknown, receivedAt: Date): InboundEvent[] {
  const body = fieldsOf(payload);
  const event = eventTypeIn(body);
  if (event !== undefined) return eventsOfConversation(body, event);
  return isOfMessagesApi(body) ? eventsOfMessagesApi(body, receivedAt) : [];
}

function isOfMessagesApi(body: JsonRecord): boolean {
  const { message_uuid: uuid, message_type: type, message } = body;
  if (!isAbsent(uuid) || !isAbsent(type) || isStatus(body)) return true;
  return typeIn(body) !== undefined || blockIn(fieldsOf(fieldsOf(message)['content'])) !== undefined;
}

/**
 * Undefined if it is not an event of a conversation. If the type is missing or unknown, the existing body
 * decides.
 */
function eventTypeIn(body: JsonRecord): string | undefined {
  const { type, conversation_id: conversation, application_id: application } = body;
  const content = fieldsOf(body['body']);
  const isOfMedia = !isAbsent(content['representations']) || blockIn(content) !== undefined;
  if (isAbsent(conversation) && isAbsent(application) && !isOfMedia) return undefined;
  if (isOfMedia && !isEventName(type)) return isAbsent(content['representations']) ? 'message' : 'image';
  return typeof type === 'string' && !isAbsent(type) ? type : undefined;
}

/** Whether the event states its type. Other names are no reason to ignore a file. */
function isEventName(type: unknown): boolean {
  return typeof type === 'string' && /^(?:message|image|text)$|:/.test(type);
}

function eventsOfMessagesApi(body: JsonRecord, receivedAt: Date): InboundEvent[] {
  const { message_type: word, message } = body;
  // If the type is missing, the block with a link decides.
  const type = typeIn(body);
  const nested = fieldsOf(fieldsOf(message)['content']);
  if (type === undefined && !isAbsent(nested) && (isAbsent(word) || blockIn(nested) !== undefined))
    return eventsOfMessage(flattened(body), receivedAt);
  if (!isAbsent(word)) return eventsOfMessage(body, receivedAt);
  if (type !== undefined) return eventsOfMessage({ ...body, message_type: type }, receivedAt);
  return isStatus(body) ? [eventOfStatus(body)] : [malformed('message without a type')];
}

function isStatus({ status, message_uuid: uuid, channel }: JsonRecord): boolean {
  return !isAbsent(status) && !(isAbsent(uuid) && isAbsent(channel));
}

/** The type that a payload of the Messages API without one must have. */
function typeIn(body: JsonRecord): string | undefined {
  const isList = () => attachmentsOf(body, '').some(({ fields }) => !isAbsent(fields['url']));
  return blockIn(body) ?? (isList() ? 'content' : undefined);
}

/** The given type, or, if that is not a kind of media, the one whose block has a link. */
function typeOf(word: unknown, holder: JsonRecord): unknown {
  const isKind = typeof word === 'string' && kindOf(word) !== undefined;
  return isKind ? word : (blockIn(holder) ?? word);
}

/** The key of the block with a link in a payload of the Messages API. */
function blockIn(body: JsonRecord): string | undefined {
  return blockNames.find((name) => !isAbsent(fieldsOf(body[name])['url']));
}

/**
 * Messages API v0.1 nests: `{from:{type,number}, message:{content:{type,image}}}` (Nexmo/api-specification
 * messages-olympus.yml @ad04200).
 */
function flattened(envelope: JsonRecord): JsonRecord {
  const content = fieldsOf(fieldsOf(envelope['message'])['content']);
  const type = typeOf(content['type'], content);
  // Copies only what is needed, because a hostile body has a hundred thousand other fields.
  return {
    ...(typeof type === 'string' && { [type]: lookUp(content, type) }),
    message_type: type,
    message_uuid: envelope['message_uuid'],
    from: envelope['from'],
    to: envelope['to'],
    timestamp: envelope['timestamp'],
    profile: envelope['profile'],
  };
}

function eventsOfMessage(body: JsonRecord, receivedAt: Date): InboundEvent[] {
  const type = typeOf(body['message_type'], body);
  const attachments = attachmentsOf(body, typeof type === 'string' ? type : '');
  const facts = {
    messageId: identifier(body['message_uuid']),
    direction: 'inbound',
    from: senderOf(body),
    to: partyOf(body['to']) ?? null,
    chat: null,
    senderName: nameOf(body),
    ...furtherNames({ personAlias: aliasOf(body) }),
    sentAt: dateFromIso(body['timestamp']),
  } as const;
  if (attachments.length === 0) {
    if (typeof type !== 'string') return [malformed('message without a type')];
    return [withContext(ignoredKind(type), contentOf(body, type), facts)];
  }
  return messageEvents({
    ...facts,
    caption: captionOf(body, attachments),
    media: attachments.map((attachment) => mediaOf(attachment, receivedAt)),
  });
}

function contentOf(body: JsonRecord, type: string): ContextContent | undefined {
  if (type === 'text') return textContent(body['text']);
  return type === 'location' ? locationContent(body['location']) : undefined;
}

interface Attachment {
  /** Undefined if it is not understood. */
  readonly kind: MediaKind | undefined;
  readonly fields: JsonRecord;
}

/**
 * The block of the type, and every item of `content`, the list of an MMS with several attachments
 * (Vonage/vonage-java-sdk messages/InboundMessage.java @609f524).
 */
function attachmentsOf(body: JsonRecord, type: string): Attachment[] {
  const { content } = body;
  const items = itemsOf(content) ?? (asRecord(content) ? [content] : []);
  const found: Attachment[] = [];
  for (const item of items) addAttachment(item, found);
  const kind = kindOf(type);
  const fields = fieldsOf(lookUp(body, type));
  // The list may repeat the block.
  const isSeparate = isAbsent(fields['url'])
    ? found.length === 0
    : found.every((one) => one.fields['url'] !== fields['url']);
  if (kind !== undefined && isSeparate) found.unshift({ kind, fields });
  // An empty list must have had content.
  if (type === 'content' && items.length === 0) found.push({ kind: undefined, fields: {} });
  return found;
}

/**
 * Adds an item `{type, url, caption}`, or one with these in a block named like its type. Texts and contacts
 * are not media.
 */
function addAttachment(item: unknown, found: Attachment[]): void {
  if (isAbsent(item)) return;
  const outer = fieldsOf(item);
  const type = wordOf(outer);
  const fields = asRecord(lookUp(outer, type)) ?? outer;
  const isUnnamedFile = type !== 'vcard' && !isAbsent(fields['url']);
  const kind = kindOfAttachment(type) ?? (isUnnamedFile ? 'document' : undefined);
  if (kind !== undefined || type === '') found.push({ kind, fields });
}

/** The first word for a known kind, or else the name of the block with a link, or else any word. */
function wordOf(item: JsonRecord): string {
  const words = [item['type'], item['message_type'], item['mime_type']];
  const given = words.filter((word) => typeof word === 'string' && !isAbsent(word)).map(String);
  const known = given.find((word) => kindOfAttachment(word) !== undefined);
  return known ?? blockIn(item) ?? given[0] ?? '';
}

/** A kind, or a MIME type, which some senders write instead. */
function kindOfAttachment(word: string): MediaKind | undefined {
  return kindOf(word) ?? kindOf(word.toLowerCase().split('/', 1)[0] ?? '');
}

function mediaOf({ kind, fields }: Attachment, receivedAt: Date): InboundMedia | undefined {
  const { url, name } = fields;
  if (kind === undefined) return undefined;
  const expiresAt = isVonageLink(url) ? new Date(receivedAt.getTime() + mediaLifetimeMs) : null;
  // Links are public unless "secure inbound media" is enabled; only Vonage's own hosts ever receive the
  // token.
  return mediaFrom({ kind, source: linkTo(url, { expiresAt, needsCredentials: true }), filename: name });
}

function captionOf({ text }: JsonRecord, attachments: readonly Attachment[]): string | null {
  return firstText([...attachments.map(({ fields }) => fields['caption']), text]);
}

/**
 * WhatsApp users may have no phone number: `from` is then their business-scoped id or missing, and
 * `whatsapp.sender` identifies them (InboundMessage.java @609f524).
 */
function senderOf(body: JsonRecord): string | undefined {
  const { wa_id: phone, user_id: userId } = fieldsOf(fieldsOf(body['whatsapp'])['sender']);
  return partyOf(body['from']) ?? personId(phone) ?? personId(userId);
}

/** The business-scoped id beside a number. */
function aliasOf(body: JsonRecord): string | undefined {
  const userId = personId(fieldsOf(fieldsOf(body['whatsapp'])['sender'])['user_id']);
  return userId === senderOf(body) ? undefined : userId;
}

function nameOf({ profile }: JsonRecord): string | null {
  const { name, username } = fieldsOf(profile);
  return firstText([name, username]);
}

/** `error.title` is the code and sometimes a number (MessageStatusTest.java @609f524). */
function eventOfStatus({ message_uuid: uuid, status, timestamp, error }: JsonRecord): InboundEvent {
  const { title, detail, code, reason } = fieldsOf(error);
  return statusEvent({
    messageId: identifier(uuid),
    status: lookUp(statuses, status),
    at: dateFromIso(timestamp),
    error: statusError(firstPresent([title, code]), firstPresent([detail, reason])),
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
  if (type === 'event:delete') {
    const id = conversationId(event['conversation_id'], body['event_id']);
    return [deletion(id, dateFromIso(event['timestamp']))];
  }
  if (type === 'image') return pictureInConversation(event, 'image', pictureIn(body));
  if (type === 'text')
    return [withContext(ignored('text'), textContent(body['text']), factsOfConversation(event))];
  if (type !== 'message') return [ignored('conversation event')];
  const word = typeOf(body['message_type'], body);
  if (typeof word !== 'string') return [malformed('message without a type')];
  const kind = kindOf(word);
  return kind === undefined
    ? [withContext(ignoredKind(word), contentOf(body, word), factsOfConversation(event))]
    : pictureInConversation(event, kind, fieldsOf(lookUp(body, word)));
}

/**
 * The original picture, or the larger of its copies if its link is missing (vonage JS SDK ImageEvent; there
 * is no official webhook sample).
 */
function pictureIn(body: JsonRecord): JsonRecord {
  const { original, medium, thumbnail } = fieldsOf(body['representations']);
  const copies = [original, medium, thumbnail].map(fieldsOf);
  return copies.find(({ url }) => !isAbsent(url)) ?? fieldsOf(original);
}

/** It is unknown which participants belong to the business, so every message counts as inbound. */
function factsOfConversation(event: JsonRecord) {
  const { from_user: fromUser, from_member: fromMember } = fieldsOf(event['_embedded']);
  const user = fieldsOf(fromUser);
  const { conversation_id: conversation } = event;
  return {
    messageId: conversationId(conversation, event['id']),
    direction: 'inbound',
    from: identifier(user['id']) ?? identifier(event['from']) ?? identifier(fieldsOf(fromMember)['id']),
    to: null,
    chat: identifier(conversation) ?? null,
    senderName: textOrNull(user['name']),
    sentAt: dateFromIso(event['timestamp']),
  } as const;
}

function pictureInConversation(event: JsonRecord, kind: MediaKind, media: JsonRecord): InboundEvent[] {
  return messageEvents({
    ...factsOfConversation(event),
    caption: textOrNull(media['caption']),
    media: [
      mediaFrom({
        kind,
        // The sender may have passed any URL (vonage-node-sdk messageImageBody.ts @babd2d8). Expiry:
        // UNVERIFIED.
        source: linkTo(media['url'], { needsCredentials: true }),
        declaredType: media['type'],
        filename: media['name'],
      }),
    ],
  });
}

/** The ids of events are consecutive within their conversation. */
export function conversationId(conversation: unknown, eventId: unknown): string | undefined {
  const event = Number.isSafeInteger(eventId) ? String(eventId) : identifier(eventId);
  const scope = identifier(conversation);
  return scope === undefined || event === undefined ? undefined : identifier(`${scope}:${event}`);
}

/** The words that {@link kindOf} knows. */
const blockNames = [...mediaKinds, 'file'] as const;

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
