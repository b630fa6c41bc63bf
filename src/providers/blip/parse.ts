/**
 * Webhooks of Blip (LIME protocol). There are two with nearly the same JSON: the bot's HTTP endpoint
 * (takenet/blip-docs getting-started-http.md @d81a7c3) and the data webhook, which also brings what the business
 * sent (help.blip.ai 4474381206423). Neither is signed.
 */
import type { InboundEvent, InboundMedia, MediaKind, MessageStatus } from '../../domain/provider.js';
import { ignored, linkTo, mediaFrom, messageEvents, statusError, statusEvent } from '../kit/events.js';
import {
  asRecord,
  dateFromIso,
  dateFromMillis,
  dateFromSeconds,
  fieldsOf,
  firstText,
  identifier,
  isAbsent,
  type JsonRecord,
  lookUp,
  personId,
} from '../kit/lenient.js';

const lime = (name: string): string => `application/vnd.lime.${name}+json`;
const mediaLink = lime('media-link');

/** Where documents hide in documents: takenet/lime-csharp src/Lime.Messaging/Contents @8523a59. */
const innerDocumentKeys: Readonly<Record<string, string | null>> = {
  // `inReplyTo`, like `inReactionTo` of a reaction, is the old message that is quoted: not new media.
  [lime('reply')]: 'replied',
  [lime('document-select')]: 'header',
  [lime('sensitive')]: null,
  [lime('container')]: null,
};
/** Nobody nests deeper than collection, container, menu, media. */
const maxNesting = 8;

/** takenet/blip-docs concepts2/notifications.md @d81a7c3 */
const statuses: Readonly<Record<string, MessageStatus>> = {
  accepted: 'sent',
  dispatched: 'sent',
  received: 'delivered',
  consumed: 'read',
  failed: 'failed',
};

const mediaFreeTypes: Readonly<Record<string, string>> = {
  'text/plain': 'text',
  'application/json': 'template',
  'application/vnd.iris.ticket+json': 'ticket',
  [lime('chatstate')]: 'presence',
  [lime('location')]: 'location',
  [lime('reaction')]: 'reaction',
  [lime('reply')]: 'reply',
  [lime('select')]: 'menu',
  [lime('deleted-content')]: 'deletion',
};

export function parse(payload: unknown): InboundEvent[] {
  const envelope = fieldsOf(payload);
  const { type, event, from } = envelope;
  if (typeof type === 'string' && type.includes('/')) return eventsOfMessage(envelope, type.toLowerCase());
  if (typeof event === 'string' && typeof from === 'string') return [eventOfNotification(envelope)];
  // The data webhook's other two kinds are told by one field each (help.blip.ai 29187147295767).
  if (typeof envelope['category'] === 'string') return [ignored('event')];
  return envelope['lastMessageDate'] === undefined ? [] : [ignored('contact')];
}

function eventOfNotification({ id, event, reason, metadata }: JsonRecord): InboundEvent {
  const status = lookUp(statuses, event);
  const { code, description } = fieldsOf(reason);
  return statusEvent({
    messageId: identifier(id),
    status,
    at: dateFromMillis(fieldsOf(metadata)['date_created']),
    error: status === 'failed' ? statusError(code, description) : null,
  });
}

function eventsOfMessage(envelope: JsonRecord, type: string): InboundEvent[] {
  const metadata = fieldsOf(envelope['metadata']);
  const links = mediaLinksIn(type, envelope['content'], 0);
  if (links.length === 0) return [ignored(lookUp(mediaFreeTypes, type) ?? 'other')];
  const byBusiness = domainOf(identityOf(envelope['from'])) === 'msging.net';
  // The data webhook brings the bot's own messages, too; what an attendant wrote is marked (help.blip.ai
  // 4474381206423, and `#messageEmitter` as seen in third-party code).
  if (byBusiness && metadata['#messageEmitter'] !== 'Human') return [ignored('echo of an API send')];
  return messageEvents({
    messageId: messageIdOf(envelope['id'], metadata),
    direction: byBusiness ? 'outbound' : 'inbound',
    from: partyOf(envelope['from'], metadata),
    to: partyOf(envelope['to'], metadata) ?? null,
    // UNVERIFIED: the key was seen in third-party code only.
    chat: identifier(metadata['#wa.context.group_id']) ?? null,
    senderName: null,
    caption: firstText(links.map((link) => link?.['text'])),
    sentAt: dateFromSeconds(metadata['#wa.timestamp']) ?? dateFromMillis(metadata['date_created']),
    media: links.map((link) => link && mediaOf(link, metadata)),
  });
}

/** WhatsApp's own id; nothing promises one (lime-csharp Envelope.cs @8523a59: `id` is optional). */
function messageIdOf(id: unknown, metadata: JsonRecord): string | null | undefined {
  const given = [id, metadata['#uniqueId']].find((one) => !isAbsent(one) && one !== '');
  return given === undefined ? null : identifier(given);
}

/** Every media link in a document; undefined for one that is not understood. */
function mediaLinksIn(type: unknown, document: unknown, depth: number): (JsonRecord | undefined)[] {
  if (depth > maxNesting) return [undefined];
  if (type === mediaLink) return [asRecord(document)];
  if (type === lime('collection')) {
    const { itemType, items } = fieldsOf(document);
    return Array.isArray(items)
      ? items.flatMap((item) => mediaLinksIn(itemType, item, depth + 1))
      : [undefined];
  }
  const key = lookUp(innerDocumentKeys, type);
  if (key === undefined) return [];
  const inner = fieldsOf(key === null ? document : fieldsOf(document)[key]);
  return mediaLinksIn(inner['type'], inner['value'], depth + 1);
}

function mediaOf(link: JsonRecord, metadata: JsonRecord): InboundMedia | undefined {
  const { uri, type, title, authorizationRealm } = link;
  return mediaFrom({
    kind: kindOf(type, metadata),
    source: linkTo(uri, {
      expiresAt: typeof uri === 'string' ? signatureEnd(uri) : null,
      needsCredentials: authorizationRealm === 'blip',
    }),
    declaredType: type,
    // `title` is a name of a file or a heading ("Cat" in blip-docs media-link/images.md @d81a7c3).
    filename: typeof title === 'string' && /\.\w{1,8}$/.test(title) ? title : null,
  });
}

/**
 * LIME has no stickers. A sticker of WhatsApp arriving as image/webp is UNVERIFIED, and people send WebP pictures
 * as well: image/webp is an image.
 */
function kindOf(type: unknown, metadata: JsonRecord): MediaKind {
  const family = typeof type === 'string' ? type.toLowerCase().split('/', 1)[0] : undefined;
  if (family === 'image' || family === 'video' || family === 'audio') return family;
  return metadata['#wa.voice'] === 'true' ? 'audio' : 'document';
}

/** Azure's shared access signature says when it ends: `…?st=…&se=…&sig=…` (samples of blipmediastore). */
export function signatureEnd(uri: string): Date | null {
  const query = new URLSearchParams(uri.slice(uri.indexOf('?') + 1));
  return query.has('sig') ? dateFromIso(query.get('se')) : null;
}

/** `name@domain/instance`: the instance varies and is no part of the identity (blip-docs concepts2 @d81a7c3). */
function identityOf(node: unknown): string | undefined {
  return typeof node === 'string' ? node.split('/', 1)[0] : undefined;
}

function domainOf(identity: string | undefined): string | undefined {
  return identity?.slice(identity.lastIndexOf('@') + 1).toLowerCase();
}

/** Behind a router the address is a tunnel's, and the person stands in the metadata. */
function partyOf(node: unknown, metadata: JsonRecord): string | undefined {
  const given = identityOf(node);
  const originator = identityOf(metadata['#tunnel.originator']);
  const identity = domainOf(given) === 'tunnel.msging.net' ? (originator ?? given) : given;
  const isPhone = domainOf(identity) === 'wa.gw.msging.net';
  return isPhone ? personId(identity?.slice(0, identity.lastIndexOf('@'))) : identifier(identity);
}
