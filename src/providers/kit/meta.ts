/**
 * Parses payloads in the format of Meta's WhatsApp Cloud API, from Meta itself and from AISoule and Sobot,
 * which pass them on. developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */
import type { InboundEvent, MessageStatus } from '../../domain/provider.js';
import { deletion, ignored, malformed, statusError, statusEvent } from './events.js';
import {
  asRecord,
  fieldsOf,
  firstText,
  identifier,
  isAbsent,
  itemsOf,
  type JsonRecord,
  lookUp,
  textOrNull,
} from './lenient.js';
import {
  contextOf,
  dateOf,
  eventsOfMessage,
  type MetaContext,
  type MetaDialect,
  partiesOfEcho,
  partiesOfReceived,
} from './meta-message.js';

/** `played` refers to voice messages (developers.facebook.com, webhooks/reference/messages/status). */
const statuses: Readonly<Record<string, MessageStatus>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
  failed: 'failed',
};

/** Undefined if the payload has another format. */
export function metaEvents(payload: unknown, dialect: MetaDialect): InboundEvent[] | undefined {
  const changes = changesOf(payload);
  if (changes === undefined) return undefined;
  if (changes.length === 0) return [ignored('empty')];
  // All changes share one list: a hostile body has a million changes, and a list for each of them would take
  // seconds.
  const events: InboundEvent[] = [];
  for (const change of changes) readChange(change, dialect, events);
  return events;
}

/**
 * `{id, status, timestamp, errors?}`. Sobot sends these without an envelope: EffCode/sobot-api-doc
 * _message-status.md @b690929.
 */
export function metaStatus(value: unknown): InboundEvent {
  const { id, status, timestamp, errors } = fieldsOf(value);
  const at = dateOf(timestamp);
  // The sender has deleted a message (nyaruka/courier handlers/meta @350e9350 knows the word).
  if (status === 'deleted') return deletion(identifier(id), at);
  const error = fieldsOf(Array.isArray(errors) ? errors[0] : undefined);
  const { details } = fieldsOf(error['error_data']);
  return statusEvent({
    messageId: identifier(id),
    status: lookUp(statuses, status),
    at,
    error: statusError(error['code'], firstText([details, error['title'], error['message']])),
  });
}

/** Like {@link metaStatus}, but Meta may report on more than the progress of a message. */
function eventOfReport(report: unknown): InboundEvent {
  const { id, status } = fieldsOf(report);
  const isOther =
    textOrNull(status) !== null && lookUp(statuses, status) === undefined && status !== 'deleted';
  return isOther && identifier(id) !== undefined ? ignored('status of another kind') : metaStatus(report);
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

/** An app can be subscribed to these, too (developers.facebook.com/docs/graph-api/webhooks). */
const otherProducts: ReadonlySet<unknown> = new Set(['page', 'instagram', 'user', 'permissions']);

/** If the name is missing or unknown, the shape decides. */
function isWhatsAppPayload(object: unknown, entry: unknown): boolean {
  if (object === 'whatsapp_business_account') return true;
  if (otherProducts.has(object)) return false;
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

function readChange(change: unknown, dialect: MetaDialect, events: InboundEvent[]): void {
  const { field, value: content } = fieldsOf(change);
  const value = asRecord(content);
  const isOther = !isAbsent(field) && !messageFields.has(field);
  if (isOther && !hasMessages(fieldsOf(content))) events.push(accountEvent);
  else if (value === undefined) events.push(missingValue);
  else readValue(value, dialect, events);
}

/** Whether there are messages, regardless of the name of the field. */
function hasMessages({ messages, message_echoes: echoes }: JsonRecord): boolean {
  return [messages, echoes].some((list) => Array.isArray(list) && list.length > 0);
}

function readValue(value: JsonRecord, dialect: MetaDialect, events: InboundEvent[]): void {
  const countBefore = events.length;
  const messages = itemsOf(value['messages']);
  const echoes = itemsOf(value['message_echoes']);
  const reports = itemsOf(value['statuses']);
  if (!messages || !echoes || !reports) events.push(malformed('messages are not a list'));
  readLists(
    { messages: messages ?? [], echoes: echoes ?? [], reports: reports ?? [] },
    contextOf(value, dialect),
    events,
  );
  if (events.length === countBefore) events.push(accountEventOf(value, dialect));
}

/**
 * `errors` without a message concern the account. Only the code becomes a reason, because the texts are
 * foreign.
 */
function accountEventOf({ errors }: JsonRecord, { namesErrors = false }: MetaDialect): InboundEvent {
  const [error] = itemsOf(errors) ?? [];
  const { code } = fieldsOf(error);
  return namesErrors && typeof code === 'number' && Number.isSafeInteger(code)
    ? ignored(`account error ${String(code)}`)
    : accountEvent;
}

type Lists = Readonly<Record<'messages' | 'echoes' | 'reports', readonly unknown[]>>;

function readLists({ messages, echoes, reports }: Lists, context: MetaContext, events: InboundEvent[]): void {
  for (const message of messages)
    for (const event of eventsOfMessage(message, partiesOfReceived(message, context), context))
      events.push(event);
  for (const message of echoes)
    for (const event of eventsOfMessage(message, partiesOfEcho(message, context), context))
      events.push(event);
  for (const report of reports) events.push(eventOfReport(report));
}
