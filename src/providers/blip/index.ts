/**
 * Blip (Take Blip, LIME protocol). Two webhooks with nearly the same JSON: the bot's HTTP endpoint
 * (takenet/blip-docs getting-started-http.md @d81a7c3) and the data webhook, which also brings what the business
 * sent (help.blip.ai 4474381206423). Neither is signed.
 */
import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type {
  FreshLink,
  Downloads,
  InboundEvent,
  InboundMedia,
  MediaKind,
  MessageStatus,
} from '../../domain/provider.js';
import { apiUrl, credential, defineProvider, hostList, secretList } from '../kit/define-provider.js';
import { ignored, linkTo, mediaFrom, messageEvents, statusError, statusEvent } from '../kit/events.js';
import {
  address,
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
import { sharedSecret } from '../kit/verification.js';

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

export const blip = defineProvider({
  id: 'blip',
  envPrefix: 'BLIP',
  settings: z.object({
    webhookSecret: secretList,
    contractId: z
      .string()
      .regex(/^[\w-]+$/, 'is the part before .http.msging.net')
      .meta({ description: 'The part before .http.msging.net; needed to renew links' })
      .optional(),
    key: credential(
      "The bot's key, Base64 of identifier:accessKey; needed to renew links and for protected media",
    ).optional(),
    apiUrl: apiUrl('https://{contractId}.http.msging.net'),
    mediaHosts: hostList,
  }),
  enabledBy: ['webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open your bot in the portal of Blip, then Configurations, Connection information, HTTP Endpoints.',
    `Set the messages URL and the notifications URL to ${webhookUrl}`,
    'Add the custom header X-Inlet-Token with the value <webhookSecret>.',
    `Where no header can be set, append the secret to both addresses: ${webhookUrl}?token=<webhookSecret>`,
    'Or use Integrations, Webhook with the same address and header, which also brings what attendants send.',
  ],
  sending: { needs: [], options: z.strictObject({}) },
  create: ({ webhookSecret, contractId = '', key, apiUrl, mediaHosts }) => ({
    // No signature exists; a custom header can be set in the portal (help.blip.ai 4474381206423).
    ...sharedSecret(webhookSecret),
    parse,
    downloads: {
      // The key is for media with `authorizationRealm: "blip"`, which are here, never for the blob stores, whose
      // links carry their own signature (takenet/blip-cards-vue-components src/utils/media.js @0558fac).
      trustedHosts: ['media.msging.net', ...mediaHosts],
      ...(key === undefined ? {} : withKey(key, contractId, apiUrl)),
    },
  }),
});

function withKey(key: string, contractId: string, apiUrl: string): Omit<Downloads, 'trustedHosts'> {
  const headers = { authorization: `Key ${key.replace(/^Key\s+/i, '')}` };
  const authorize = () => headers;
  if (contractId === '' && apiUrl.includes('{contractId}')) return { authorize };
  const commands = `${apiUrl.replace('{contractId}', contractId)}/commands`;
  return {
    authorize,
    /** takenet/blip-docs extensions/media.md @d81a7c3: links die about 15 minutes after the message. */
    refresh: async (url, http) => {
      const { status, body } = await http({
        method: 'POST',
        url: commands,
        headers,
        json: {
          id: randomUUID(),
          to: 'postmaster@media.msging.net',
          method: 'set',
          uri: '/refresh-media-uri',
          type: 'text/plain',
          resource: url,
        },
      });
      // A command that fails is answered with 200 and `status: "failure"`.
      const answer = fieldsOf(body);
      if (status >= 200 && status < 300) return freshLink(answer);
      if (status === 429) throw new AppError('media.rate_limited', 'Blip refuses commands for a while');
      if (status >= 500 || status === 408)
        throw new AppError('media.http_status', `Blip answered ${String(status)}`);
      throw new AppError('media.refused', `Blip answered ${String(status)}`);
    },
  };
}

function freshLink({ status, resource }: JsonRecord): FreshLink {
  const link = status === 'success' ? address(resource) : undefined;
  if (link !== undefined) return { url: link, expiresAt: signatureEnd(link) };
  throw new AppError('media.link_expired', 'Blip has no fresh link for it');
}

function parse(payload: unknown): InboundEvent[] {
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
function signatureEnd(uri: string): Date | null {
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
