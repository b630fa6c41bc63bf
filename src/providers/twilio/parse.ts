/**
 * The webhooks of Programmable Messaging: twilio.com/docs/messaging/guides/webhook-request and
 * track-outbound-message-status. One call brings one message or one status, as the fields of a form; there is
 * no order, and new fields appear without notice.
 */
import type { InboundEvent, InboundMedia, MediaKind, MessageStatus } from '../../domain/provider.js';
import { type ContextContent, locationContent, textContent, withContext } from '../kit/context.js';
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
  fieldsOf,
  firstPresent,
  identifier,
  isAbsent,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';

const statuses: Readonly<Record<string, MessageStatus | 'not kept'>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  failed: 'failed',
  undelivered: 'failed',
  canceled: 'failed',
  accepted: 'not kept',
  scheduled: 'not kept',
  queued: 'not kept',
  sending: 'not kept',
  receiving: 'not kept',
  // What it means is UNVERIFIED; twilio-node 6.3.1 knows the word.
  partially_delivered: 'not kept',
};

export function eventsOfWebhook(payload: unknown): InboundEvent[] {
  const fields = fieldsOf(payload);
  const places = placesOfMedia(fields);
  if (places.length > 0) return eventsOfMedia(fields, places);
  if (sidsIn(fields).every(isAbsent)) return eventsWithoutMessage(fields);
  if (isOfConversation(fields)) return [ignored('conversation event')];
  return [isAbsent(fields['NumMedia']) ? eventOfStatus(fields) : eventWithoutMedia(fields)];
}

/** The last two are older names of the first one. */
function sidsIn({ MessageSid, SmsMessageSid, SmsSid }: JsonRecord): readonly unknown[] {
  return [MessageSid, SmsMessageSid, SmsSid];
}

function messageIdIn(fields: JsonRecord): string | undefined {
  return sidsIn(fields)
    .map(identifier)
    .find((sid) => sid !== undefined);
}

/** Twilio Conversations names its events `onMessageAdded` and the like. */
function isOfConversation({ EventType: type }: JsonRecord): boolean {
  return typeof type === 'string' && /^on[A-Z]/.test(type);
}

/** Documented are ten. A larger number is not believed, but links in a few more places are not lost. */
const maxPlaces = 100;

/** The number of media; undefined if it is not a number. */
function countIn({ NumMedia: count }: JsonRecord): number | undefined {
  if (isAbsent(count)) return 0;
  const number = typeof count === 'string' ? Number(count) : count;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : undefined;
}

/** The numbers of the media, from 0: those that `NumMedia` announces, and those with a link. */
function placesOfMedia(fields: JsonRecord): readonly number[] {
  const announced = countIn(fields) ?? 0;
  const places: number[] = [];
  for (let place = 0; place < maxPlaces; place += 1)
    if (place < announced || !isAbsent(lookUp(fields, `MediaUrl${String(place)}`))) places.push(place);
  return places;
}

function eventsOfMedia(fields: JsonRecord, places: readonly number[]): InboundEvent[] {
  return messageEvents({
    ...factsOf(fields),
    // Whether a document has its name here, or anywhere, is UNVERIFIED.
    caption: textOrNull(fields['Body']),
    media: withKeys(
      places.map((place) =>
        mediaAt({
          url: lookUp(fields, `MediaUrl${String(place)}`),
          type: lookUp(fields, `MediaContentType${String(place)}`),
          messageType: fields['MessageType'],
        }),
      ),
    ),
  });
}

/** What all messages have in common. */
function factsOf(fields: JsonRecord) {
  const { From, WaId, ExternalUserId } = fields;
  return {
    messageId: messageIdIn(fields),
    direction: 'inbound',
    from: personOf(From) ?? personOf(WaId) ?? personOf(ExternalUserId),
    to: personOf(fields['To']) ?? null,
    chat: null,
    senderName: textOrNull(fields['ProfileName']),
    // There is no field with a time.
    sentAt: null,
  } as const;
}

/** A location comes with the fields of a text. */
function contentOf({ Latitude, Longitude, Label, Address, Body }: JsonRecord): ContextContent | undefined {
  const location = { latitude: Latitude, longitude: Longitude, label: Label, address: Address };
  return locationContent(location) ?? textContent(Body);
}

interface MediaFields {
  readonly url: unknown;
  /** The MIME type, perhaps with parameters. */
  readonly type: unknown;
  /** The kind of a WhatsApp message. */
  readonly messageType: unknown;
}

/** One attachment; undefined if it has no address. */
export function mediaAt({ url, type, messageType }: MediaFields): InboundMedia | undefined {
  return mediaFrom({
    kind: kindOf(type, messageType),
    // Any address can be in a form. The credentials are sent to the media of the own account only.
    source: linkTo(url, { needsCredentials: true }),
    declaredType: type,
    key: mediaSidIn(url),
  });
}

/**
 * The type decides: contact cards are documents, and so is everything unknown. That stickers have the message
 * type `sticker` is UNVERIFIED, so without it a WebP file is an image.
 */
function kindOf(type: unknown, messageType: unknown): MediaKind {
  const word = textOrNull(type)?.trim().toLowerCase() ?? '';
  if (word === '') return mediaKindOf(messageType) ?? 'document';
  if (messageType === 'sticker' && /^image\/webp\b/.test(word)) return 'sticker';
  const kind = mediaKindOf(word.split('/', 1)[0]);
  return kind === 'image' || kind === 'video' || kind === 'audio' ? kind : 'document';
}

/** The id of a file, which is the end of its address. */
function mediaSidIn(url: unknown): string | undefined {
  return typeof url === 'string' ? /\/Media\/(ME[\da-f]{32})$/i.exec(url.trim())?.[1] : undefined;
}

/** A file that is listed twice is identified by its position the second time. */
export function withKeys(media: readonly (InboundMedia | undefined)[]): (InboundMedia | undefined)[] {
  const seen = new Set<string>();
  return media.map((item) => {
    if (item?.key === undefined) return item;
    const { key, ...others } = item;
    const place = `${item.kind} ${key}`;
    if (seen.has(place)) return others;
    seen.add(place);
    return item;
  });
}

/**
 * A person or a sender without the name of the network: `whatsapp:+…`, `whatsapp:GB.…` for people without a
 * known number, `rcs:…`, or a number.
 */
export function personOf(value: unknown): string | undefined {
  return personId(typeof value === 'string' ? value.trim().replace(/^[a-z]{2,20}:/i, '') : value);
}

/**
 * A call is a status if it has one and does not say how many media there are. Inbound messages have
 * `received`, usually in the older field only.
 */
function eventOfStatus(fields: JsonRecord): InboundEvent {
  const { MessageStatus, SmsStatus, ErrorCode, ChannelStatusMessage } = fields;
  const word = firstPresent([MessageStatus, SmsStatus]);
  if (isAbsent(word) || word === 'received') return eventWithoutMedia(fields);
  const status = lookUp(statuses, word);
  if (status === 'not kept') return ignored('a status that is not kept');
  return statusEvent({
    messageId: messageIdIn(fields),
    status,
    // `RawDlrDoneDate` has no time zone.
    at: null,
    error: status === 'failed' ? statusError(ErrorCode, ChannelStatusMessage) : null,
  });
}

/** The media of an advertisement (`ReferralMediaUrl`) are not those of the person. */
function eventWithoutMedia(fields: JsonRecord): InboundEvent {
  const { MessageType: type } = fields;
  if (countIn(fields) === undefined || mediaKindOf(type) !== undefined)
    return malformed('media message without media');
  return withContext(ignoredKind(textOrNull(type) ?? 'text'), contentOf(fields), factsOf(fields));
}

/** Calls of other products that lead to the same address. */
function eventsWithoutMessage(fields: JsonRecord): InboundEvent[] {
  if (isAbsent(fields['AccountSid'])) return [];
  if (isOfConversation(fields)) return [ignored('conversation event')];
  return [ignored(isAbsent(fields['CallSid']) ? 'another product' : 'call')];
}
