/** Parses webhooks of Z-API: Z-API/z-api-docs docs/webhooks/*.md @7021b82 and developer.z-api.io/webhooks. */
import {
  mediaKinds,
  type InboundEvent,
  type InboundMedia,
  type InboundMessage,
  type MediaKind,
  type MediaSource,
  type MessageStatus,
} from '../../domain/provider.js';
import {
  contactContent,
  type ContextContent,
  locationContent,
  numbersInCard,
  textContent,
  withContext,
} from '../kit/context.js';
import {
  deletion,
  furtherNames,
  ignored,
  linkTo,
  malformed,
  mediaFrom,
  messageEvents,
  statusError,
  statusEvent,
} from '../kit/events.js';
import {
  asRecord,
  dateFromMillis,
  fieldsOf,
  firstText,
  identifier,
  isAbsent,
  hasNoValues,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';

/** The URL field of each kind. GIFs and round videos come as `video` (on-message-received.md). */
const urlKeys = {
  image: 'imageUrl',
  video: 'videoUrl',
  audio: 'audioUrl',
  document: 'documentUrl',
  sticker: 'stickerUrl',
} as const satisfies Record<MediaKind, string>;

/** docs/webhooks/on-whatsapp-message-status-changes.md @7021b82 */
const statuses: Readonly<Record<string, MessageStatus>> = {
  SENT: 'sent',
  RECEIVED: 'delivered',
  READ: 'read',
  PLAYED: 'read',
  READ_BY_ME: 'read',
};

const mediaFreeKeys = [
  'text',
  'reaction',
  'location',
  'contact',
  'product',
  'poll',
  'pollVote',
  'event',
] as const;

/** All media of webhooks are kept for 30 days: docs/tips/file-expiration.md @7021b82 */
const mediaLifetimeMs = 30 * 24 * 60 * 60 * 1000;

export function parse(payload: unknown, receivedAt: Date): InboundEvent[] {
  const event = fieldsOf(payload);
  const { type } = event;
  // The field table spells `ReceivedCallBack`, the samples `ReceivedCallback` (on-message-received.md).
  switch (typeof type === 'string' ? type.trim().toLowerCase() : '') {
    case 'receivedcallback':
      return eventsOfMessage(event, receivedAt);
    case 'deliverycallback':
      return [eventOfDelivery(event)];
    case 'messagestatuscallback':
      return eventsOfStatus(event);
    case 'presencechatcallback':
      return [ignored('presence')];
    case 'connectedcallback':
    case 'disconnectedcallback':
      return [ignored('session')];
    default:
      // If the type is missing or different, a link shows that it is a message.
      return attachmentsOf(event).some(hasLink) ? eventsOfMessage(event, receivedAt) : [];
  }
}

/** `error` is only present if the send failed: developer.z-api.io/webhooks/on-message-send-examples */
function eventOfDelivery({ messageId, error }: JsonRecord): InboundEvent {
  const failed = !isAbsent(error);
  return statusEvent({
    messageId: identifier(messageId),
    status: failed ? 'failed' : 'sent',
    at: null,
    error: failed ? statusError('send_failed', error) : null,
  });
}

function eventsOfStatus({ ids, status, momment }: JsonRecord): InboundEvent[] {
  if (!Array.isArray(ids) || ids.length === 0) return [malformed('status without message ids')];
  const known = lookUp(statuses, status);
  if (known === undefined) return [malformed('status of an unknown kind')];
  const at = dateFromMillis(momment);
  return ids.map((id) => statusEvent({ messageId: identifier(id), status: known, at }));
}

function eventsOfMessage(event: JsonRecord, receivedAt: Date): InboundEvent[] {
  const attachments = attachmentsOf(event);
  // Calls, group and profile changes also come as messages (on-message-received.md). A value that is not the
  // name of a notification hides no file.
  const { notification } = event;
  if (isNameOfNotification(notification) || (!isAbsent(notification) && !attachments.some(hasLink)))
    return [eventOfNotification(event)];
  // With "notify sent by me", messages sent through the API are reported, too
  // (docs/webhooks/update-notify-sent-by-me.md).
  if (event['fromApi'] === true) return [ignored('echo of an API send')];
  if (attachments.length === 0) return [eventWithoutMedia(event)];
  const expiresAt = new Date(receivedAt.getTime() + mediaLifetimeMs);
  // An edited caption belongs to the same picture. That editMessageId names the original is UNVERIFIED
  // (third-party schema).
  const edited = event['isEdit'] === true ? identifier(event['editMessageId']) : undefined;
  return messageEvents({
    ...factsOf(event),
    messageId: edited ?? identifier(event['messageId']),
    caption: captionOf(event, attachments),
    media: attachments.map((attachment) => mediaOf(attachment, expiresAt)),
  });
}

/** What all messages have in common. */
function factsOf(event: JsonRecord) {
  return {
    messageId: identifier(event['messageId']),
    ...partiesOf(event),
    ...furtherNamesOf(event),
    senderName: textOrNull(event['senderName']),
    sentAt: dateFromMillis(event['momment']),
  };
}

/** on-message-received.md: `text.message`, `location`, `contact.displayName` and `contact.vCard`. */
function contentOf(event: JsonRecord, key: (typeof mediaFreeKeys)[number]): ContextContent | undefined {
  const { message, displayName, vCard } = fieldsOf(event[key]);
  if (key === 'text') return textContent(message);
  if (key === 'location') return locationContent(event[key]);
  return key === 'contact' ? contactContent(displayName, numbersInCard(vCard)) : undefined;
}

function isNameOfNotification(word: unknown): boolean {
  return typeof word === 'string' && /^[A-Z]+(?:_[A-Z\d]+)*$/.test(word);
}

/**
 * That this means a deleted message is UNVERIFIED: the other notifications have WhatsApp's names, and
 * WhatsApp has this one.
 */
function eventOfNotification(event: JsonRecord): InboundEvent {
  if (event['notification'] !== 'REVOKE') return ignored('notification');
  const original = identifier(event['referenceMessageId']) ?? identifier(event['messageId']);
  return deletion(original, dateFromMillis(event['momment']));
}

function eventWithoutMedia(event: JsonRecord): InboundEvent {
  // The media follow in another event (on-message-received.md, "aguardando mensagem").
  if (event['waitingMessage'] === true) return ignored('waiting message');
  const key = mediaFreeKeys.find((one) => !isAbsent(event[one]));
  if (key !== undefined) return withContext(ignored(key), contentOf(event, key), factsOf(event));
  // A block for media is not a text, even if it is empty.
  const isOfMedia = mediaKinds.some((kind) => asRecord(event[kind]) !== undefined);
  return isOfMedia ? malformed('media without a usable address') : ignored('other');
}

type Parties = Pick<InboundMessage, 'direction' | 'to' | 'chat'> & { readonly from: string | undefined };

function partiesOf(event: JsonRecord): Parties {
  const { phone, connectedPhone, instanceId, fromMe } = event;
  const chat = isShared(event) ? (identifier(phone) ?? null) : null;
  const partner = chat === null ? partnerOf(event) : undefined;
  const business = personId(connectedPhone) ?? null;
  if (fromMe !== true)
    return { direction: 'inbound', from: partner ?? participantOf(event), to: business, chat };
  return { direction: 'outbound', from: business ?? identifier(instanceId), to: partner ?? null, chat };
}

/** `chatName` is the group, or the person of a chat (on-message-received.md). */
function furtherNamesOf(event: JsonRecord): Pick<InboundMessage, 'chatName' | 'personAlias'> {
  const { chatName, chatLid, fromMe, participantLid, phone, senderLid } = event;
  const isGroup = isShared(event);
  const lids = isGroup ? [participantLid, senderLid] : [chatLid, fromMe === true ? undefined : senderLid];
  const person = isGroup ? participantOf(event) : personId(phone);
  const alias = lids.map(personId).find((lid) => lid !== undefined);
  const isAlias = person !== undefined && alias !== person && !(isGroup && fromMe === true);
  return furtherNames({
    chatName: isGroup || fromMe === true ? textOrNull(chatName) : null,
    personAlias: isAlias ? alias : null,
  });
}

/** The author in a group is not always named; the picture is then stored under the group. */
function participantOf(event: JsonRecord): string | undefined {
  const { participantPhone, participantLid, senderLid, phone } = event;
  return personId(participantPhone) ?? personId(participantLid) ?? personId(senderLid) ?? personId(phone);
}

/** In a one-to-one chat: the number, or the id that replaces it (docs/tips/lid.md). */
function partnerOf({ phone, chatLid, senderLid, fromMe }: JsonRecord): string | undefined {
  // In messages that the business wrote, the sender is the business.
  return personId(phone) ?? personId(chatLid) ?? (fromMe === true ? undefined : personId(senderLid));
}

/** Groups, channels and status posts: `…-group`, `…@newsletter`, `status@broadcast`, `…-broadcast`. */
function isShared({ isGroup, isNewsletter, phone }: JsonRecord): boolean {
  if (isGroup === true || isNewsletter === true) return true;
  return typeof phone === 'string' && /(?:-group|@newsletter|[@-]broadcast)$/.test(phone);
}

interface Attachment {
  readonly kind: MediaKind;
  readonly url: unknown;
  readonly fields: JsonRecord;
}

function hasLink({ url }: Attachment): boolean {
  return typeof url === 'string' && !isAbsent(url);
}

/** Excludes `statusImage`, `product` and `externalAdReply`, which a message refers to. */
function attachmentsOf(event: JsonRecord): Attachment[] {
  const { cards } = fieldsOf(event['carouselMessage']);
  const found: Attachment[] = [];
  const collectFrom = (holder: JsonRecord): void => {
    for (const kind of mediaKinds) {
      const block = holder[kind];
      const fields = fieldsOf(block);
      // A block of a kind that the message does not contain is empty.
      const isPresent = !isAbsent(block) && !(asRecord(block) && hasNoValues(fields));
      if (isPresent) found.push({ kind, url: fields[urlKeys[kind]], fields });
    }
  };
  collectFrom(event);
  collectFrom(fieldsOf(fieldsOf(event['hydratedTemplate'])['header']));
  for (const card of Array.isArray(cards) ? (cards as unknown[]) : []) {
    const header = asRecord(fieldsOf(card)['header']);
    if (header) collectFrom(header);
  }
  const { imageUrl, videoUrl } = fieldsOf(event['buttonsMessage']);
  if (!isAbsent(imageUrl)) found.push({ kind: 'image', url: imageUrl, fields: {} });
  if (!isAbsent(videoUrl)) found.push({ kind: 'video', url: videoUrl, fields: {} });
  return found;
}

function mediaOf({ kind, url, fields }: Attachment, expiresAt: Date): InboundMedia | undefined {
  return mediaFrom({
    kind,
    source: linkTo(url, { expiresAt }) ?? failedDownload(fields['downloadError']),
    declaredType: fields['mimeType'],
    filename: firstText([fields['fileName'], fields['title']]),
  });
}

/**
 * Z-API could not download the media itself. That there is no URL in this case is UNVERIFIED
 * (on-message-received.md).
 */
function failedDownload(downloadError: unknown): MediaSource | undefined {
  const text = typeof downloadError === 'string' ? textOrNull(downloadError.slice(0, 200)) : null;
  if (text === null) return undefined;
  const message = `the provider could not download the file: ${text}`;
  return { type: 'unavailable', code: 'media.provider_failed', message };
}

function captionOf(event: JsonRecord, attachments: readonly Attachment[]): string | null {
  return firstText([
    ...attachments.map(({ fields }) => fields['caption']),
    fieldsOf(event['hydratedTemplate'])['message'],
    fieldsOf(event['carouselMessage'])['text'],
    fieldsOf(event['buttonsMessage'])['message'],
  ]);
}
