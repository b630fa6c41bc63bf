/**
 * Parses webhooks of Blip (LIME protocol). There are two with nearly the same JSON: the bot's HTTP endpoint
 * (takenet/blip-docs getting-started-http.md @d81a7c3) and the data webhook, which also contains what the
 * business sent (help.blip.ai 4474381206423). Neither is signed.
 */
import type {
  InboundEvent,
  InboundMedia,
  InboundMessage,
  MediaKind,
  MessageStatus,
} from '../../domain/provider.js';
import {
  contactContent,
  type ContextContent,
  locationContent,
  textContent,
  withContext,
} from '../kit/context.js';
import {
  deletion,
  ignored,
  linkTo,
  mediaFrom,
  messageEvents,
  statusError,
  statusEvent,
} from '../kit/events.js';
import {
  asRecord,
  dateFromIso,
  dateFromMillis,
  dateFromSeconds,
  fieldsOf,
  firstPresent,
  identifier,
  isAbsent,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';

const lime = (name: string): string => `application/vnd.lime.${name}+json`;
const mediaLink = lime('media-link');
const collection = lime('collection');

/** Where documents are nested in documents: takenet/lime-csharp src/Lime.Messaging/Contents @8523a59. */
const innerDocumentKeys: Readonly<Record<string, 'replied' | 'header' | null>> = {
  // `inReplyTo`, like `inReactionTo` of a reaction, is the quoted old message and not new media.
  [lime('reply')]: 'replied',
  [lime('document-select')]: 'header',
  [lime('sensitive')]: null,
  [lime('container')]: null,
};
/** The deepest real nesting is collection, container, menu, media. */
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
};
const deletedContent = lime('deleted-content');

export function parse(payload: unknown): InboundEvent[] {
  const envelope = fieldsOf(payload);
  const { event, from, content, category, lastMessageDate } = envelope;
  const type = typeOf(envelope['type'], content);
  if (type !== undefined) return eventsOfMessage(envelope, type);
  if (typeof event === 'string' && typeof from === 'string') return [eventOfNotification(envelope)];
  // The other two kinds of the data webhook are identified by one field each (help.blip.ai 29187147295767).
  if (typeof category === 'string' && !isAbsent(category)) return [ignored('event')];
  return isAbsent(lastMessageDate) ? [] : [ignored('contact')];
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
  if (type === deletedContent) return [eventOfDeletion(envelope, metadata)];
  const links: (JsonRecord | undefined)[] = [];
  findMediaLinks({ type, document: envelope['content'], depth: 0 }, links);
  const withoutMedia = ignored(lookUp(mediaFreeTypes, type) ?? 'other');
  const byBusiness = domainOf(identityOf(envelope['from'])) === 'msging.net';
  // The data webhook also contains the bot's own messages; messages of an attendant are marked (help.blip.ai
  // 4474381206423, and `#messageEmitter` as seen in third-party code).
  if (byBusiness && metadata['#messageEmitter'] !== 'Human')
    return [links.length === 0 ? withoutMedia : ignored('echo of an API send')];
  const facts = {
    messageId: messageIdOf(envelope['id'], metadata),
    ...(byBusiness ? sentTo(envelope, metadata) : receivedFrom(envelope, metadata)),
    // UNVERIFIED: the key was only seen in third-party code.
    chat: identifier(metadata['#wa.context.group_id']) ?? null,
    senderName: null,
    sentAt: dateFromSeconds(metadata['#wa.timestamp']) ?? dateFromMillis(metadata['date_created']),
  };
  if (links.length === 0) return [withContext(withoutMedia, contentOf(envelope['content'], type), facts)];
  return messageEvents({
    ...facts,
    caption: captionIn(links),
    media: links.map((link) => link && mediaOf(link, metadata)),
  });
}

function contentOf(content: unknown, type: string): ContextContent | undefined {
  if (type === 'text/plain') return textContent(content);
  if (type === lime('location')) return locationContent(content);
  const { name, phoneNumber, cellPhoneNumber } = fieldsOf(content);
  return type === lime('contact') ? contactContent(name, [phoneNumber, cellPhoneNumber]) : undefined;
}

/**
 * The content is empty (takenet/lime-csharp DeletedContent.cs @8523a59): the deleted message has the same id,
 * unless the channel names another one.
 */
function eventOfDeletion({ id }: JsonRecord, metadata: JsonRecord): InboundEvent {
  const originalId = identifier(metadata['#wa.context.id']) ?? identifier(id);
  return deletion(originalId, dateFromMillis(metadata['date_created']));
}

function captionIn(links: readonly (JsonRecord | undefined)[]): string | null {
  for (const link of links) {
    const text = textOrNull(link?.['text']);
    if (text !== null) return text;
  }
  return null;
}

/** WhatsApp's own id, which is optional (lime-csharp Envelope.cs @8523a59). */
function messageIdOf(id: unknown, metadata: JsonRecord): string | null | undefined {
  const present = firstPresent([id, metadata['#uniqueId']]);
  return isAbsent(present) ? null : identifier(present);
}

interface LimeDocument {
  readonly type: unknown;
  readonly document: unknown;
  /** The number of enclosing documents. */
  readonly depth: number;
}

/** The prefix of LIME's own types. */
const limeNames = /^application\/vnd\.(?:lime|iris)\./;

/** The type of a document without parameters. If it is missing or unknown, the content decides. */
function typeOf(type: unknown, document: unknown): string | undefined {
  const word = typeof type === 'string' ? type.toLowerCase().replace(/;.*/s, '').trim() : '';
  if (limeNames.test(word) || lookUp(mediaFreeTypes, word) !== undefined) return word;
  return typeByContent(fieldsOf(document)) ?? (word.includes('/') ? word : undefined);
}

function typeByContent({ uri, items, replied, header, type, value }: JsonRecord): string | undefined {
  if (!isAbsent(uri)) return mediaLink;
  if (Array.isArray(items)) return collection;
  if (isDocument(replied)) return lime('reply');
  if (isDocument(header)) return lime('document-select');
  return isDocument({ type, value }) ? lime('container') : undefined;
}

/** Whether the value is a nested document. */
function isDocument(value: unknown): boolean {
  return asRecord(fieldsOf(value)['value']) !== undefined;
}

/**
 * Adds every media link in a document, and undefined for one that is not understood. All share one list: a
 * hostile collection has a million items, and a list for each of them would take seconds.
 */
function findMediaLinks(
  { type: present, document, depth }: LimeDocument,
  links: (JsonRecord | undefined)[],
): void {
  const type = typeOf(present, document);
  if (depth > maxNesting) links.push(undefined);
  else if (type === mediaLink) links.push(asRecord(document));
  else if (type === collection) {
    const { itemType, items } = fieldsOf(document);
    if (!Array.isArray(items)) links.push(undefined);
    else
      for (const item of items as unknown[])
        if (!isAbsent(item)) findMediaLinks({ type: itemType, document: item, depth: depth + 1 }, links);
  } else {
    const key = lookUp(innerDocumentKeys, type);
    if (key === undefined) return;
    const inner = fieldsOf(key === null ? document : fieldsOf(document)[key]);
    findMediaLinks({ type: inner['type'], document: inner['value'], depth: depth + 1 }, links);
  }
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
    // `title` is either a file name or a heading ("Cat" in blip-docs media-link/images.md @d81a7c3).
    filename: typeof title === 'string' && /\.\w{1,8}$/.test(title) ? title : null,
  });
}

/**
 * LIME has no stickers. That a WhatsApp sticker arrives as image/webp is UNVERIFIED, and people also send
 * WebP pictures, so image/webp counts as an image.
 */
function kindOf(type: unknown, metadata: JsonRecord): MediaKind {
  const family = typeof type === 'string' ? type.toLowerCase().split('/', 1)[0] : undefined;
  if (family === 'image' || family === 'video' || family === 'audio') return family;
  return metadata['#wa.voice'] === 'true' ? 'audio' : 'document';
}

/** The expiry in Azure's shared access signature: `…?st=…&se=…&sig=…` (samples of blipmediastore). */
export function signatureEnd(uri: string): Date | null {
  // Most links have none, and parsing a query is slow.
  if (!uri.includes('sig=')) return null;
  const query = new URLSearchParams(uri.slice(uri.indexOf('?') + 1));
  return query.has('sig') ? dateFromIso(query.get('se')) : null;
}

/**
 * `name@domain/instance`: the instance varies and is not part of the identity (blip-docs concepts2 @d81a7c3).
 */
function identityOf(node: unknown): string | undefined {
  return typeof node === 'string' && !isAbsent(node) ? node.split('/', 1)[0] : undefined;
}

function domainOf(identity: string | undefined): string | undefined {
  return identity?.slice(identity.lastIndexOf('@') + 1).toLowerCase();
}

const whatsAppDomain = 'wa.gw.msging.net';

function partyOf(node: unknown): string | undefined {
  const identity = identityOf(node);
  return domainOf(identity) === whatsAppDomain
    ? personId(identity?.slice(0, identity.lastIndexOf('@')))
    : identifier(identity);
}

type Parties = Pick<InboundMessage, 'direction' | 'to'> & { readonly from: string | undefined };

function receivedFrom({ from, to }: JsonRecord, metadata: JsonRecord): Parties {
  return { direction: 'inbound', from: personIn(from, metadata), to: partyOf(to) ?? null };
}

function sentTo({ from, to }: JsonRecord, metadata: JsonRecord): Parties {
  return { direction: 'outbound', from: partyOf(from), to: personIn(to, metadata) ?? null };
}

/**
 * Behind a router, the address is that of a tunnel, and the metadata contain the person. WhatsApp users
 * without a phone number have a business-scoped id there (UNVERIFIED in Blip's documentation, seen in
 * third-party code).
 */
function personIn(node: unknown, metadata: JsonRecord): string | undefined {
  const present = partyOf(node);
  const isTunnel = domainOf(identityOf(node)) === 'tunnel.msging.net';
  if (present !== undefined && !isTunnel) return present;
  return partyOf(metadata['#tunnel.originator']) ?? personId(metadata['#wa.bsuid']) ?? present;
}
