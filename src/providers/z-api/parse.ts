/** Webhooks of Z-API: Z-API/z-api-docs docs/webhooks/*.md @7021b82 and developer.z-api.io/webhooks. */
import type {
  InboundEvent,
  InboundMedia,
  InboundMessage,
  MediaKind,
  MediaSource,
  MessageStatus,
} from '../../domain/provider.js';
import {
  ignored,
  linkTo,
  malformed,
  mediaFrom,
  messageEvents,
  statusError,
  statusEvent,
} from '../kit/events.js';
import {
  dateFromMillis,
  fieldsOf,
  firstText,
  identifier,
  isAbsent,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';

/** Where the address of each kind is. GIFs and round videos come as `video` (on-message-received.md). */
const urlKeys: Readonly<Record<MediaKind, string>> = {
  image: 'imageUrl',
  video: 'videoUrl',
  audio: 'audioUrl',
  document: 'documentUrl',
  sticker: 'stickerUrl',
};
const kindsWithUrl = Object.entries(urlKeys) as [MediaKind, string][];

/** docs/webhooks/on-whatsapp-message-status-changes.md @7021b82 */
const statuses: Readonly<Record<string, MessageStatus>> = {
  SENT: 'sent',
  RECEIVED: 'delivered',
  READ: 'read',
  PLAYED: 'read',
  READ_BY_ME: 'read',
};

const mediaFreeKeys = ['text', 'reaction', 'location', 'contact', 'product', 'poll', 'pollVote', 'event'];

/** All media of webhooks are kept for 30 days: docs/tips/file-expiration.md @7021b82 */
const mediaLifetimeMs = 30 * 24 * 60 * 60 * 1000;

export function parse(payload: unknown, receivedAt: Date): InboundEvent[] {
  const event = fieldsOf(payload);
  const { type } = event;
  // The field table spells `ReceivedCallBack`, the samples `ReceivedCallback` (on-message-received.md).
  switch (typeof type === 'string' ? type.toLowerCase() : '') {
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
      return [];
  }
}

/** `error` is there only when the send failed: developer.z-api.io/webhooks/on-message-send-examples */
function eventOfDelivery({ messageId, error }: JsonRecord): InboundEvent {
  const failed = !isAbsent(error) && error !== '' && error !== false;
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
  // Calls, group and profile changes come as messages, too (on-message-received.md).
  if (!isAbsent(event['notification'])) return [ignored('notification')];
  // With "notify sent by me" our own sends come back (docs/webhooks/update-notify-sent-by-me.md).
  if (event['fromApi'] === true) return [ignored('echo of an API send')];
  const attachments = attachmentsOf(event);
  if (attachments.length === 0) return [ignored(mediaFreeReason(event))];
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

function mediaFreeReason(event: JsonRecord): string {
  // The media follow in another event (on-message-received.md, "aguardando mensagem").
  if (event['waitingMessage'] === true) return 'waiting message';
  return mediaFreeKeys.find((key) => !isAbsent(event[key])) ?? 'other';
}

type Parties = Pick<InboundMessage, 'direction' | 'to' | 'chat'> & { readonly from: string | undefined };

function partiesOf(event: JsonRecord): Parties {
  const { phone, connectedPhone, instanceId, fromMe } = event;
  const chat = isShared(event) ? (identifier(phone) ?? null) : null;
  const partner = chat === null ? personId(phone) : undefined;
  const business = personId(connectedPhone) ?? null;
  if (fromMe !== true)
    return { direction: 'inbound', from: partner ?? participantOf(event), to: business, chat };
  return { direction: 'outbound', from: business ?? identifier(instanceId), to: partner ?? null, chat };
}

/** Who wrote in a group is not always said; the picture is then kept as the group's. */
function participantOf({
  participantPhone,
  participantLid,
  senderLid,
  phone,
}: JsonRecord): string | undefined {
  return personId(participantPhone ?? participantLid ?? senderLid ?? phone);
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

/** Not among them: `statusImage`, `product` and `externalAdReply`, which are what a message is about. */
function attachmentsOf(event: JsonRecord): Attachment[] {
  const { cards } = fieldsOf(event['carouselMessage']);
  const headers = [event['hydratedTemplate'], ...(Array.isArray(cards) ? (cards as unknown[]) : [])];
  const holders = [event, ...headers.map((holder) => fieldsOf(fieldsOf(holder)['header']))];
  const found: Attachment[] = [];
  for (const holder of holders)
    for (const [kind, urlKey] of kindsWithUrl)
      if (!isAbsent(holder[kind])) {
        const about = fieldsOf(holder[kind]);
        found.push({ kind, url: about[urlKey], about });
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
