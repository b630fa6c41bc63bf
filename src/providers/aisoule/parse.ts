/**
 * Webhooks of AISoule. Two generations of documentation disagree, both are understood:
 * v1 https://aisoule.com/docs/webhooks/webhook-events, v2 https://aisoule.com/help/integrations/webhooks-receiving
 */
import type { InboundEvent, MediaKind, MediaSource, MessageStatus } from '../../domain/provider.js';
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
} from '../kit/events.js';
import {
  asRecord,
  dateFromIso,
  dateFromSeconds,
  fieldsOf,
  firstText,
  identifier,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';
import { metaEvents } from '../kit/meta.js';

const statuses: Readonly<Record<string, MessageStatus>> = {
  'message.sent': 'sent',
  'message.delivered': 'delivered',
  'message.read': 'read',
  'message.failed': 'failed',
};

export function parse(payload: unknown): InboundEvent[] {
  return metaEvents(payload) ?? ownEvents(fieldsOf(payload));
}

function ownEvents({ event, timestamp, data }: JsonRecord): InboundEvent[] {
  if (typeof event !== 'string') return [];
  // v1 writes seconds, v2 ISO 8601.
  const sentAt = dateFromSeconds(timestamp) ?? dateFromIso(timestamp);
  const content = asRecord(data);
  const status = lookUp(statuses, event);
  if (status !== undefined) return [eventOfStatus(status, sentAt, fieldsOf(data))];
  if (event === 'message.received' || event === 'message.incoming')
    return content === undefined ? [malformed('message without data')] : eventsOfMessage(content, sentAt);
  // A message event that nobody has documented may carry a picture.
  if (event.startsWith('message.')) return [malformed('message event of an unknown kind')];
  if (event === 'ping') return [ignored('ping')];
  return /^(?:contact|campaign|transfer)\./.test(event) ? [ignored('account event')] : [];
}

function eventOfStatus(status: MessageStatus, at: Date | null, data: JsonRecord): InboundEvent {
  // What a failed message carries is not documented (UNVERIFIED).
  const { error } = data;
  const { code, message } = fieldsOf(error);
  return statusEvent({
    messageId: identifier(data['message_id']),
    status,
    at,
    error: status === 'failed' ? statusError(code, message ?? error) : null,
  });
}

function eventsOfMessage(data: JsonRecord, sentAt: Date | null): InboundEvent[] {
  const { type } = data;
  if (typeof type !== 'string') return [malformed('message without a type')];
  const kind = mediaKindOf(type);
  if (kind === undefined) return [ignoredKind(type)];
  const block = fieldsOf(data[kind]);
  return messageEvents({
    messageId: identifier(data['message_id']),
    direction: 'inbound',
    from: personId(data['sender']) ?? personId(data['from']),
    to: personId(data['recipient']) ?? personId(data['waba_number']) ?? null,
    chat: null,
    senderName: textOrNull(data['contact_name']),
    caption: firstText([block['caption'], data['caption']]),
    sentAt,
    media: [
      mediaFrom({
        kind,
        source: sourceOf(data, kind),
        declaredType: firstText([block['mime_type'], data['mime_type']]),
        filename: firstText([block['filename'], data['filename']]),
        sha256: block['sha256'],
      }),
    ],
  });
}

/**
 * No page shows an inbound picture, so every place is UNVERIFIED: first the block that sending documents
 * (aisoule.com/docs/messaging/send-media), then flat fields, then a link in `body`, then Meta's own block.
 */
function sourceOf(data: JsonRecord, kind: MediaKind): MediaSource | undefined {
  const block = fieldsOf(data[kind]);
  const media = fieldsOf(data['media']);
  const { body } = data;
  const places = [
    block['link'],
    block['url'],
    data['media_url'],
    data['url'],
    data['link'],
    media['url'],
    media['link'],
    typeof body === 'string' && /^https:\/\/\S+$/i.test(body) ? body : undefined,
  ];
  const link = linkTo(places.find((place) => typeof place === 'string' && place !== ''));
  return link ?? (identifier(block['id']) === undefined ? undefined : mediaIdOnly);
}
