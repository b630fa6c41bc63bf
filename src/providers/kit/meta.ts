/**
 * Bodies in the shape of Meta's WhatsApp Cloud API, which AISoule and Sobot pass on.
 * developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */
import type { InboundEvent, MediaSource, MessageStatus } from '../../domain/provider.js';
import {
  ignored,
  ignoredKind,
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
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from './lenient.js';

const statuses: Readonly<Record<string, MessageStatus>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  failed: 'failed',
};

/** Undefined: the payload has another shape. */
export function metaEvents(payload: unknown): InboundEvent[] | undefined {
  const changes = changesOf(payload);
  if (changes === undefined) return undefined;
  return changes.length === 0 ? [ignored('empty')] : changes.flatMap(eventsOfChange);
}

/** `{id, status, timestamp, errors?}`. Sobot sends these bare: EffCode/sobot-api-doc _message-status.md @b690929. */
export function metaStatus(value: unknown): InboundEvent {
  const { id, status, timestamp, errors } = fieldsOf(value);
  const error = fieldsOf(Array.isArray(errors) ? errors[0] : undefined);
  return statusEvent({
    messageId: identifier(id),
    status: lookUp(statuses, status),
    at: dateFromSeconds(timestamp),
    error: statusError(error['code'], firstText([error['title'], error['message']])),
  });
}

function changesOf(payload: unknown): readonly unknown[] | undefined {
  // Sobot sends the array of changes without object and entry: EffCode/sobot-api-doc includes/webhook @b690929.
  if (Array.isArray(payload)) return payload.some(isChange) ? payload : undefined;
  const body = fieldsOf(payload);
  if (body['object'] !== 'whatsapp_business_account') return undefined;
  // A part that is no list stands for one change that is not understood.
  const entries: unknown[] = Array.isArray(body['entry']) ? body['entry'] : [undefined];
  return entries.flatMap((entry): unknown[] => {
    const { changes } = fieldsOf(entry);
    return Array.isArray(changes) ? changes : [undefined];
  });
}

function isChange(value: unknown): boolean {
  const { field, value: content } = fieldsOf(value);
  return typeof field === 'string' || asRecord(content) !== undefined;
}

function eventsOfChange(change: unknown): InboundEvent[] {
  const { field, value: content } = fieldsOf(change);
  if (typeof field === 'string' && field !== 'messages') return [ignored('account event')];
  const value = asRecord(content);
  if (value === undefined) return [malformed('change without a value')];
  const messages = value['messages'] ?? [];
  const reports = value['statuses'] ?? [];
  if (!Array.isArray(messages) || !Array.isArray(reports)) return [malformed('messages that are no list')];
  const context: Context = {
    to: personId(fieldsOf(value['metadata'])['display_phone_number']) ?? null,
    names: namesOf(value['contacts']),
  };
  const events = [
    ...messages.flatMap((message) => eventsOfMessage(asRecord(message), context)),
    ...reports.map(metaStatus),
  ];
  return events.length === 0 ? [ignored('account event')] : events;
}

/** What the messages of one change share. */
interface Context {
  readonly to: string | null;
  readonly names: ReadonlyMap<unknown, string | null>;
}

function eventsOfMessage(message: JsonRecord | undefined, { to, names }: Context): InboundEvent[] {
  const type = message?.['type'];
  if (message === undefined || typeof type !== 'string') return [malformed('message without a type')];
  const kind = mediaKindOf(type);
  if (kind === undefined) return [ignoredKind(type)];
  // Sobot's sample puts a video under the key `image` (EffCode/sobot-api-doc _video-message.md @b690929):
  // the type says what it is, never the key.
  const media = fieldsOf(message[kind] ?? message['image']);
  // A sender may be a business-scoped id instead of a phone: nyaruka/courier hello_bsuid*.json.
  const from = personId(message['from']) ?? personId(message['from_user_id']);
  return messageEvents({
    messageId: identifier(message['id']),
    direction: 'inbound',
    from,
    to,
    chat: identifier(message['group_id']) ?? null,
    senderName: names.get(from) ?? null,
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
 * Meta's own bodies may hold an id only, and so do Sobot's before commit 8f93c68: an id is of no use without a token
 * of Meta, which neither AISoule nor Sobot gives to their customers.
 */
function sourceOf({ url, id }: JsonRecord): MediaSource | undefined {
  if (!isAbsent(url) && url !== '') return linkTo(url);
  return identifier(id) === undefined ? undefined : mediaIdOnly;
}

function namesOf(contacts: unknown): ReadonlyMap<unknown, string | null> {
  const names = new Map<unknown, string | null>();
  for (const contact of Array.isArray(contacts) ? contacts : []) {
    const { wa_id: phone, user_id: userId, profile } = fieldsOf(contact);
    const name = textOrNull(fieldsOf(profile)['name']);
    names.set(personId(phone), name).set(personId(userId), name);
  }
  return names;
}
