/**
 * Parses payloads in the format of Meta's WhatsApp Cloud API, which AISoule and Sobot pass on.
 * developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */
import {
  mediaKinds,
  type InboundEvent,
  type InboundMessage,
  type MediaSource,
  type MessageStatus,
} from '../../domain/provider.js';
import {
  deletion,
  ignored,
  ignoredKind,
  isMediaFree,
  linkTo,
  malformed,
  mediaFrom,
  mediaIdOnly,
  mediaKindOf,
  messageEvents,
  statusError,
  statusEvent,
} from './events.js';
import {
  asRecord,
  dateFromSeconds,
  fieldsOf,
  firstText,
  identifier,
  isAbsent,
  itemsOf,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from './lenient.js';

/** `played` refers to voice messages (developers.facebook.com, webhooks/reference/messages/status). */
const statuses: Readonly<Record<string, MessageStatus>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
  failed: 'failed',
};

/** Undefined if the payload has another format. */
export function metaEvents(payload: unknown): InboundEvent[] | undefined {
  const changes = changesOf(payload);
  if (changes === undefined) return undefined;
  if (changes.length === 0) return [ignored('empty')];
  // All changes share one list: a hostile body has a million changes, and a list for each of them would take
  // seconds.
  const events: InboundEvent[] = [];
  for (const change of changes) readChange(change, events);
  return events;
}

/**
 * `{id, status, timestamp, errors?}`. Sobot sends these without an envelope: EffCode/sobot-api-doc
 * _message-status.md @b690929.
 */
export function metaStatus(value: unknown): InboundEvent {
  const { id, status, timestamp, errors } = fieldsOf(value);
  const at = dateFromSeconds(timestamp);
  // The sender has deleted a message (nyaruka/courier handlers/meta @350e9350 knows the word).
  if (status === 'deleted') return deletion(identifier(id), at);
  const error = fieldsOf(Array.isArray(errors) ? errors[0] : undefined);
  return statusEvent({
    messageId: identifier(id),
    status: lookUp(statuses, status),
    at,
    error: statusError(error['code'], firstText([error['title'], error['message']])),
  });
}

function changesOf(payload: unknown): readonly unknown[] | undefined {
  // Sobot sends the array of changes without object and entry: EffCode/sobot-api-doc includes/webhook
  // @b690929.
  if (Array.isArray(payload)) return payload.some(isChange) ? payload : undefined;
  const { object, entry } = fieldsOf(payload);
  if (!isWhatsAppPayload(object, entry)) return undefined;
  // A part that is not a list counts as one change that is not understood.
  const entries: unknown[] = Array.isArray(entry) ? entry : [undefined];
  const found: unknown[] = [];
  for (const item of entries) {
    const { changes } = fieldsOf(item);
    if (Array.isArray(changes)) for (const change of changes as unknown[]) found.push(change);
    else found.push(undefined);
  }
  return found;
}

/**
 * If the name is missing or different, the shape decides: other products of Meta have no messages in
 * `changes`.
 */
function isWhatsAppPayload(object: unknown, entry: unknown): boolean {
  if (object === 'whatsapp_business_account') return true;
  const entries: unknown[] = Array.isArray(entry) ? entry : [];
  return entries.some((one) => Array.isArray(fieldsOf(one)['changes']));
}

function isChange(value: unknown): boolean {
  const { field, value: content } = fieldsOf(value);
  return typeof field === 'string' || asRecord(content) !== undefined;
}

/**
 * The fields that contain messages. `smb_message_echoes` is what staff wrote in the phone's app, and
 * `history` what was written before the number was connected (developers.facebook.com, webhooks/reference);
 * whether AISoule and Sobot pass these on is UNVERIFIED.
 */
const messageFields: ReadonlySet<unknown> = new Set(['messages', 'smb_message_echoes', 'history']);

const accountEvent = ignored('account event');
const missingValue = malformed('change without a value');

function readChange(change: unknown, events: InboundEvent[]): void {
  const { field, value: content } = fieldsOf(change);
  const value = asRecord(content);
  const isOther = !isAbsent(field) && !messageFields.has(field);
  if (isOther && !hasMessages(fieldsOf(content))) events.push(accountEvent);
  else if (value === undefined) events.push(missingValue);
  else readValue(value, events);
}

/** Whether there are messages, regardless of the name of the field. */
function hasMessages({ messages, message_echoes: echoes }: JsonRecord): boolean {
  return [messages, echoes].some((list) => Array.isArray(list) && list.length > 0);
}

function readValue(value: JsonRecord, events: InboundEvent[]): void {
  const countBefore = events.length;
  const messages = itemsOf(value['messages']);
  const echoes = itemsOf(value['message_echoes']);
  const reports = itemsOf(value['statuses']);
  if (!messages || !echoes || !reports) events.push(malformed('messages are not a list'));
  readLists(
    { messages: messages ?? [], echoes: echoes ?? [], reports: reports ?? [] },
    contextOf(value),
    events,
  );
  if (events.length === countBefore) events.push(accountEvent);
}

type Lists = Readonly<Record<'messages' | 'echoes' | 'reports', readonly unknown[]>>;

function readLists({ messages, echoes, reports }: Lists, context: Context, events: InboundEvent[]): void {
  for (const message of messages)
    for (const event of eventsOfMessage(message, partiesOfReceived(message, context))) events.push(event);
  for (const message of echoes)
    for (const event of eventsOfMessage(message, partiesOfEcho(message, context))) events.push(event);
  for (const report of reports) events.push(metaStatus(report));
}

/** What the messages of one change have in common. */
interface Context {
  /** The number of the business. */
  readonly business: string | null;
  readonly names: ReadonlyMap<unknown, string | null>;
  /** The person, if the change mentions exactly one. */
  readonly person: string | undefined;
}

function contextOf({ metadata, contacts }: JsonRecord): Context {
  const people = itemsOf(contacts) ?? [];
  return {
    business: personId(fieldsOf(metadata)['display_phone_number']) ?? null,
    names: namesOf(people),
    person: people.length === 1 ? personOf(people[0]) : undefined,
  };
}

type Parties = Pick<InboundMessage, 'direction' | 'to' | 'senderName'> & {
  readonly from: string | undefined;
};

/** A sender may have a business-scoped id instead of a phone number: nyaruka/courier hello_bsuid*.json. */
function partiesOfReceived(message: unknown, { business, names, person }: Context): Parties {
  const { from: phone, from_user_id: userId } = fieldsOf(message);
  const from = personId(phone) ?? personId(userId) ?? person;
  return {
    direction: 'inbound',
    from,
    to: business,
    senderName: names.get(from) ?? names.get(personId(userId)) ?? null,
  };
}

/** In an echo, `from` is the business, and the contacts are the recipients. */
function partiesOfEcho(message: unknown, { business, person }: Context): Parties {
  const { from, to: phone, to_user_id: userId } = fieldsOf(message);
  const to = personId(phone) ?? personId(userId) ?? person ?? null;
  return { direction: 'outbound', from: personId(from) ?? business ?? undefined, to, senderName: null };
}

function eventsOfMessage(foreign: unknown, parties: Parties): InboundEvent[] {
  const message = fieldsOf(foreign);
  const type = typeIn(message);
  if (type === undefined) return [malformed('message without a type')];
  if (type === 'revoke') {
    const { original_message_id: original } = fieldsOf(message['revoke']);
    return [deletion(identifier(original), dateFromSeconds(message['timestamp']))];
  }
  if (type !== 'edit') return eventsOfContent(message, type, parties);
  // An edited caption repeats the media and belongs to the same message.
  const { original_message_id: original, message: edited } = fieldsOf(message['edit']);
  const content = fieldsOf(edited);
  const { timestamp, group_id } = message;
  return eventsOfContent(
    { ...content, id: original, timestamp, group_id },
    typeIn(content) ?? 'edit',
    parties,
  );
}

/** If the type is missing or unknown, the existing block decides. */
function typeIn(message: JsonRecord): string | undefined {
  const { type } = message;
  if (typeof type === 'string' && (knownTypes.has(type) || isMediaFree(type))) return type;
  const word = blockWords.find((one) => asRecord(message[one]) && !isAbsent(message[one]));
  return word ?? (typeof type === 'string' && !isAbsent(type) ? type : undefined);
}

const blockWords = [...mediaKinds, 'edit'] as const;
const knownTypes: ReadonlySet<string> = new Set([...blockWords, 'revoke']);

function eventsOfContent(message: JsonRecord, type: string, parties: Parties): InboundEvent[] {
  const kind = mediaKindOf(type);
  if (kind === undefined) return [ignoredKind(type)];
  // In Sobot's sample, a video is under the key `image` (EffCode/sobot-api-doc _video-message.md @b690929),
  // so the type decides and not the key.
  const blocks = [message[kind], message['image']].map(fieldsOf);
  const media = blocks.find(({ url, id }) => !isAbsent(url) || !isAbsent(id)) ?? fieldsOf(message[kind]);
  return messageEvents({
    messageId: identifier(message['id']),
    ...parties,
    chat: identifier(message['group_id']) ?? null,
    caption: textOrNull(media['caption']),
    sentAt: dateFromSeconds(message['timestamp']),
    media: [
      mediaFrom({
        kind,
        source: sourceOf(media),
        declaredType: media['mime_type'],
        filename: media['filename'],
        sha256: media['sha256'],
      }),
    ],
  });
}

/**
 * Meta's own payloads may only contain an id, and so do Sobot's before commit 8f93c68. An id is useless
 * without a token of Meta, which neither AISoule nor Sobot gives to customers.
 */
function sourceOf({ url, id }: JsonRecord): MediaSource | undefined {
  if (!isAbsent(url)) return linkTo(url);
  return identifier(id) === undefined ? undefined : mediaIdOnly;
}

function namesOf(contacts: readonly unknown[]): ReadonlyMap<unknown, string | null> {
  const names = new Map<unknown, string | null>();
  for (const contact of contacts) {
    const { wa_id: phone, user_id: userId, profile } = fieldsOf(contact);
    const { name, username } = fieldsOf(profile);
    const displayName = firstText([name, username]);
    for (const id of [personId(phone), personId(userId)]) if (id !== undefined) names.set(id, displayName);
  }
  return names;
}

function personOf(contact: unknown): string | undefined {
  const { wa_id: phone, user_id: userId } = fieldsOf(contact);
  return personId(phone) ?? personId(userId);
}
