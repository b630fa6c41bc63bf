/** Webhooks of Z-API: Z-API/z-api-docs docs/webhooks/*.md @7021b82 and developer.z-api.io/webhooks. */
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
  deletion,
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
  isHollow,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';

/** Where the address of each kind is. GIFs and round videos come as `video` (on-message-received.md). */
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
      // Where the type is absent or another word, a link says that it is a message.
      return attachmentsOf(event).some(hasLink) ? eventsOfMessage(event, receivedAt) : [];
  }
}

/** `error` is there only when the send failed: developer.z-api.io/webhooks/on-message-send-examples */
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
  // Calls, group and profile changes come as messages, too (on-message-received.md). What is no name of one hides no file.
  const { notification } = event;
  if (isNameOfNotification(notification) || (!isAbsent(notification) && !attachments.some(hasLink)))
    return [eventOfNotification(event)];
  // With "notify sent by me" our own sends come back (docs/webhooks/update-notify-sent-by-me.md).
  if (event['fromApi'] === true) return [ignored('echo of an API send')];
  if (attachments.length === 0) return [eventWithoutMedia(event)];
  const expiresAt = new Date(receivedAt.getTime() + mediaLifetimeMs);
  // An edited caption is the same picture. That editMessageId names the original is UNVERIFIED (third-party schema).
  const edited = event['isEdit'] === true ? identifier(event['editMessageId']) : undefined;
  return messageEvents({
    messageId: edited ?? identifier(event['messageId']),
    ...partiesOf(event),
    senderName: textOrNull(event['senderName']),
    caption: captionOf(event, attachments),
    sentAt: dateFromMillis(event['momment']),
    media: attachments.map((attachment) => mediaOf(attachment, expiresAt)),
  });
}

function isNameOfNotification(word: unknown): boolean {
  return typeof word === 'string' && /^[A-Z]+(?:_[A-Z\d]+)*$/.test(word);
}

/** That a message was taken back is UNVERIFIED: the other notifications are called like those of WhatsApp, which has this one. */
function eventOfNotification(event: JsonRecord): InboundEvent {
  if (event['notification'] !== 'REVOKE') return ignored('notification');
  const original = identifier(event['referenceMessageId']) ?? identifier(event['messageId']);
  return deletion(original, dateFromMillis(event['momment']));
}

function eventWithoutMedia(event: JsonRecord): InboundEvent {
  // The media follow in another event (on-message-received.md, "aguardando mensagem").
  if (event['waitingMessage'] === true) return ignored('waiting message');
  const key = mediaFreeKeys.find((one) => !isAbsent(event[one]));
  if (key !== undefined) return ignored(key);
  // A block for media, although without anything in it, is no text.
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

/** Who wrote in a group is not always said; the picture is then kept as the group's. */
function participantOf(event: JsonRecord): string | undefined {
  const { participantPhone, participantLid, senderLid, phone } = event;
  return personId(participantPhone) ?? personId(participantLid) ?? personId(senderLid) ?? personId(phone);
}

/** In a chat of two: its number, or the id that stands for it (docs/tips/lid.md). */
function partnerOf({ phone, chatLid, senderLid, fromMe }: JsonRecord): string | undefined {
  // Of what the business wrote itself, the sender is the business.
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
  readonly about: JsonRecord;
}

function hasLink({ url }: Attachment): boolean {
  return typeof url === 'string' && !isAbsent(url);
}

/** Not among them: `statusImage`, `product` and `externalAdReply`, which are what a message is about. */
function attachmentsOf(event: JsonRecord): Attachment[] {
  const { cards } = fieldsOf(event['carouselMessage']);
  const found: Attachment[] = [];
  const lookIn = (holder: JsonRecord): void => {
    for (const kind of mediaKinds) {
      const block = holder[kind];
      const about = fieldsOf(block);
      // A block for what it does not bring has nothing in it.
      const isThere = !isAbsent(block) && !(asRecord(block) && isHollow(about));
      if (isThere) found.push({ kind, url: about[urlKeys[kind]], about });
    }
  };
  lookIn(event);
  lookIn(fieldsOf(fieldsOf(event['hydratedTemplate'])['header']));
  for (const card of Array.isArray(cards) ? (cards as unknown[]) : []) {
    const header = asRecord(fieldsOf(card)['header']);
    if (header) lookIn(header);
  }
  const { imageUrl, videoUrl } = fieldsOf(event['buttonsMessage']);
  if (!isAbsent(imageUrl)) found.push({ kind: 'image', url: imageUrl, about: {} });
  if (!isAbsent(videoUrl)) found.push({ kind: 'video', url: videoUrl, about: {} });
  return found;
}

function mediaOf({ kind, url, about }: Attachment, expiresAt: Date): InboundMedia | undefined {
  return mediaFrom({
    kind,
    source: linkTo(url, { expiresAt }) ?? failedDownload(about['downloadError']),
    declaredType: about['mimeType'],
    filename: firstText([about['fileName'], about['title']]),
  });
}

/** Z-API could not fetch the media itself. That there is no address then is UNVERIFIED (on-message-received.md). */
function failedDownload(downloadError: unknown): MediaSource | undefined {
  const text = typeof downloadError === 'string' ? textOrNull(downloadError.slice(0, 200)) : null;
  if (text === null) return undefined;
  const message = `the provider could not fetch it: ${text}`;
  return { type: 'unavailable', code: 'media.provider_failed', message };
}

function captionOf(event: JsonRecord, attachments: readonly Attachment[]): string | null {
  return firstText([
    ...attachments.map(({ about }) => about['caption']),
    fieldsOf(event['hydratedTemplate'])['message'],
    fieldsOf(event['carouselMessage'])['text'],
    fieldsOf(event['buttonsMessage'])['message'],
  ]);
}
