/**
 * Vonage (Nexmo). Two products post pictures: the Messages API (Vonage/vonage-java-sdk messages/InboundMessage.java
 * @609f524) and the Conversation API (Nexmo/nexmo-developer conversation/concepts/event.md @4da2b39), whose in-app
 * messaging is announced to end on 30 April 2026.
 */
import { createHmac, createPrivateKey, createSecretKey, hash, type KeyObject, randomUUID } from 'node:crypto';

import jwt from 'jsonwebtoken';
import { z } from 'zod';

import type {
  Downloads,
  InboundEvent,
  MediaKind,
  MessageStatus,
  Verdict,
  WebhookRequest,
} from '../../domain/provider.js';
import type { ProviderAdapter } from '../../domain/provider-adapter.js';
import {
  apiUrl,
  defineProvider,
  hostList,
  issuedSecretList,
  pemOrPath,
  secretList,
} from '../kit/define-provider.js';
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
  dateFromIso,
  fieldsOf,
  identifier,
  type JsonRecord,
  lookUp,
  personId,
  textOrNull,
} from '../kit/lenient.js';
import { secretMatcher, sharedSecret } from '../kit/verification.js';

/** Media hosts by region: api.nexmo.com, api-us.nexmo.com, api-eu-3.vonage.com (legacy-client-sdk/in-app-messaging guides). */
const vonageHost = /^api([-.][a-z0-9-]+)?\.(nexmo|vonage)\.com$/;
/** Inbound media of the Messages API are kept for 48 hours (developer.vonage.com, secure inbound media). */
const mediaLifetimeMs = 48 * 60 * 60 * 1000;
const maxSignatureAgeSeconds = 5 * 60;
const tokenLifetimeSeconds = 15 * 60;

/** `submitted` … of the Messages API (MessageStatusTest.java @609f524), `seen` of conversation events. */
const statuses: Readonly<Record<string, MessageStatus>> = {
  submitted: 'sent',
  delivered: 'delivered',
  read: 'read',
  seen: 'read',
  rejected: 'failed',
  undeliverable: 'failed',
};

export const vonage = defineProvider({
  id: 'vonage',
  envPrefix: 'VONAGE',
  settings: z.object({
    signatureSecret: issuedSecretList(
      "The account's signature secret, from the API settings of the dashboard; checks what the Messages API sends",
    ).optional(),
    webhookSecret: secretList.optional(),
    applicationId: z
      .string()
      .meta({ description: 'With the private key: makes tokens for protected media' })
      .optional(),
    privateKey: pemOrPath
      .refine(isRsaKey, 'is no RSA private key of at least 2048 bits in PEM')
      .meta({
        description: 'RSA key of the application in PEM, at least 2048 bits',
        secret: true,
        contentFromFile: true,
      })
      .optional(),
    apiUrl: apiUrl('https://api.nexmo.com'),
    mediaHosts: hostList,
  }),
  enabledBy: ['signatureSecret', 'webhookSecret'],
  ownSecret: 'webhookSecret',
  setup: (webhookUrl) => [
    'Open Applications in the dashboard of Vonage, then your application, then Capabilities, Messages.',
    `Set the Inbound URL and the Status URL to ${webhookUrl}`,
    "Give this channel the account's signature secret, from the API settings, as the setting signatureSecret.",
    `For Conversation events, which are not signed, set the event URL of RTC to ${webhookUrl}?token=<webhookSecret>`,
  ],
  sending: { needs: [], options: z.strictObject({}) },
  create: ({ signatureSecret = [], webhookSecret = [], applicationId, privateKey, mediaHosts }, now) => {
    const token = sharedSecret(webhookSecret);
    return {
      verify: verifier(signatureSecret, token.verify),
      handshake: token.handshake,
      parse,
      downloads: {
        trustedHosts: [vonageHost, ...mediaHosts],
        ...(applicationId !== undefined && privateKey !== undefined
          ? { authorize: bearer(applicationId, parsePem(privateKey), now) }
          : {}),
      },
    };
  },
});

/** Environment files often hold a PEM on one line, with `\n` spelled out. */
const parsePem = (pem: string): KeyObject => createPrivateKey(pem.replaceAll('\\n', '\n'));

function isRsaKey(pem: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = parsePem(pem);
    return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  } catch {
    return false;
  }
}

/**
 * Messages API: nexmo-developer messages/concepts/signed-webhooks.md. Whether Conversation events are signed is
 * UNVERIFIED: a token in their address proves them. A signature that is there must be right in any case.
 */
function verifier(
  signatureSecrets: readonly string[],
  verifyToken: ProviderAdapter['verify'],
): ProviderAdapter['verify'] {
  const keys = signatureSecrets.map((secret) => createSecretKey(Buffer.from(secret)));
  return (request) => {
    const { authorization, 'x-inlet-token': header } = request.headers;
    if (authorization !== undefined && keys.length > 0) return verifySignature(authorization, keys, request);
    // "Rarely a callback arrives unsigned by internal error: answer 5xx to get a signed retry" (signed-webhooks.md).
    if (authorization === undefined && header === undefined && request.query['token'] === undefined)
      return { ok: false, reason: 'not signed', askToResend: true };
    return verifyToken(request);
  };
}

function verifySignature(
  authorization: string,
  keys: readonly KeyObject[],
  request: WebhookRequest,
): Verdict {
  const nowSeconds = request.receivedAt.getTime() / 1000;
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const claims = keys.map((key) => claimsOf(token, key)).find((found) => found !== undefined);
  if (claims === undefined) return { ok: false, reason: 'wrong signature' };
  const { iat, exp, payload_hash: payloadHash } = claims;
  // The token has no `exp` as a rule, and Vonage's own SDK checks no age (vonage-node-sdk packages/jwt/lib/verifySignature.ts).
  if (!isRecent(iat, nowSeconds) || !(exp === undefined || isAfter(exp, nowSeconds)))
    return { ok: false, reason: 'signature is not fresh' };
  const bodyHash = hash('sha256', request.rawBody, 'hex');
  const isOfBody = typeof payloadHash === 'string' && secretMatcher([bodyHash])(payloadHash.toLowerCase());
  return isOfBody ? { ok: true } : { ok: false, reason: 'signature of another body' };
}

const isRecent = (time: unknown, nowSeconds: number): boolean =>
  typeof time === 'number' && Math.abs(nowSeconds - time) <= maxSignatureAgeSeconds;

const isAfter = (time: unknown, nowSeconds: number): boolean => typeof time === 'number' && time > nowSeconds;

/**
 * HS256 and nothing else: the SDK also takes RS256, which lets a public key be used as a secret. Checked here rather than
 * by jsonwebtoken, which takes eight times as long to do the same, on the path that acknowledges webhooks.
 */
function claimsOf(token: string, key: KeyObject): JsonRecord | undefined {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  const wanted = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url');
  // As text: in base64url the same signature has several spellings, and only one of them is right.
  const isRight = more.length === 0 && secretMatcher([wanted])(signature);
  return isRight && decoded(header)['alg'] === 'HS256' ? decoded(payload) : undefined;
}

function decoded(part: string): JsonRecord {
  try {
    return fieldsOf(JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));
  } catch {
    return {};
  }
}

/** Claims of an application's token: nexmo-developer concepts/guides/authentication.md. */
function bearer(applicationId: string, key: KeyObject, now: () => Date): NonNullable<Downloads['authorize']> {
  let cached = { headers: {}, renewAt: 0 };
  return () => {
    const iat = Math.floor(now().getTime() / 1000);
    if (iat >= cached.renewAt) {
      const claims = {
        application_id: applicationId,
        iat,
        exp: iat + tokenLifetimeSeconds,
        jti: randomUUID(),
      };
      const authorization = `Bearer ${jwt.sign(claims, key, { algorithm: 'RS256' })}`;
      cached = { headers: { authorization }, renewAt: claims.exp - 60 };
    }
    return cached.headers;
  };
}

function parse(payload: unknown, receivedAt: Date): InboundEvent[] {
  const body = fieldsOf(payload);
  const { type } = body;
  if (typeof type === 'string' && ('conversation_id' in body || 'application_id' in body))
    return eventsOfConversation(body, type);
  return 'message_uuid' in body || 'message_type' in body || isStatus(body)
    ? eventsOfMessagesApi(body, receivedAt)
    : [];
}

function eventsOfMessagesApi(body: JsonRecord, receivedAt: Date): InboundEvent[] {
  if ('message_type' in body) return eventsOfMessage(body, receivedAt);
  if ('message' in body) return eventsOfMessage(flattened(body), receivedAt);
  return isStatus(body) ? [eventOfStatus(body)] : [malformed('message without a type')];
}

function isStatus(body: JsonRecord): boolean {
  return 'status' in body && ('message_uuid' in body || 'channel' in body);
}

/** Messages API v0.1 nests: `{from:{type,number}, message:{content:{type,image}}}` (Nexmo/api-specification messages-olympus.yml @ad04200). */
function flattened({ message, ...envelope }: JsonRecord): JsonRecord {
  const content = fieldsOf(fieldsOf(message)['content']);
  return { ...content, ...envelope, message_type: content['type'] };
}

function eventsOfMessage(body: JsonRecord, receivedAt: Date): InboundEvent[] {
  const { message_type: type } = body;
  if (typeof type !== 'string') return [malformed('message without a type')];
  const kind = kindOf(type);
  if (kind === undefined) return [ignoredKind(type)];
  const media = fieldsOf(body[type]);
  const { url } = media;
  const expiresAt = isVonageLink(url) ? new Date(receivedAt.getTime() + mediaLifetimeMs) : null;
  return messageEvents({
    messageId: identifier(body['message_uuid']),
    direction: 'inbound',
    from: partyOf(body['from']),
    to: partyOf(body['to']) ?? null,
    chat: null,
    senderName: textOrNull(fieldsOf(body['profile'])['name']),
    caption: textOrNull(media['caption']),
    sentAt: dateFromIso(body['timestamp']),
    media: [
      mediaFrom({
        kind,
        // Links are open unless "secure inbound media" is on; only Vonage's own hosts ever see the token.
        source: linkTo(url, { expiresAt, needsCredentials: true }),
        filename: media['name'],
      }),
    ],
  });
}

/** `error.title` is the code, and sometimes a number (MessageStatusTest.java @609f524). */
function eventOfStatus({ message_uuid: uuid, status, timestamp, error }: JsonRecord): InboundEvent {
  const { title, detail, code, reason } = fieldsOf(error);
  return statusEvent({
    messageId: identifier(uuid),
    status: lookUp(statuses, status),
    at: dateFromIso(timestamp),
    error: statusError(title ?? code, detail ?? reason),
  });
}

function eventsOfConversation(event: JsonRecord, type: string): InboundEvent[] {
  const body = fieldsOf(event['body']);
  const subject = /^(?:text|image|message):(\w+)$/.exec(type)?.[1];
  const status = lookUp(statuses, subject);
  if (status !== undefined)
    return [
      statusEvent({
        messageId: conversationId(event['conversation_id'], body['event_id']),
        status,
        at: dateFromIso(event['timestamp']),
      }),
    ];
  if (type === 'image') return pictureInConversation(event, 'image', originalOf(body));
  if (type !== 'message') return [ignored(type === 'text' ? 'text' : 'conversation event')];
  const { message_type: word } = body;
  if (typeof word !== 'string') return [malformed('message without a type')];
  const kind = kindOf(word);
  return kind === undefined ? [ignoredKind(word)] : pictureInConversation(event, kind, fieldsOf(body[word]));
}

/** The whole picture; `medium` and `thumbnail` are copies of it (vonage JS SDK ImageEvent; no official webhook sample). */
const originalOf = (body: JsonRecord): JsonRecord => fieldsOf(fieldsOf(body['representations'])['original']);

/** Who in a conversation is the business's side cannot be told, so every message counts as inbound. */
function pictureInConversation(event: JsonRecord, kind: MediaKind, media: JsonRecord): InboundEvent[] {
  const user = fieldsOf(fieldsOf(event['_embedded'])['from_user']);
  const { conversation_id: conversation } = event;
  return messageEvents({
    messageId: conversationId(conversation, event['id']),
    direction: 'inbound',
    from: identifier(user['id']) ?? identifier(event['from']),
    to: null,
    chat: identifier(conversation) ?? null,
    senderName: textOrNull(user['name']),
    caption: textOrNull(media['caption']),
    sentAt: dateFromIso(event['timestamp']),
    media: [
      mediaFrom({
        kind,
        // The sender may have passed any address (vonage-node-sdk messageImageBody.ts @babd2d8). Expiry: UNVERIFIED.
        source: linkTo(media['url'], { needsCredentials: true }),
        declaredType: media['type'],
        filename: media['name'],
      }),
    ],
  });
}

/** Ids of events count up within their conversation. */
function conversationId(conversation: unknown, eventId: unknown): string | undefined {
  const event = Number.isSafeInteger(eventId) ? String(eventId) : identifier(eventId);
  const scope = identifier(conversation);
  return scope === undefined || event === undefined ? undefined : identifier(`${scope}:${event}`);
}

/** `file` is any document; vcards are contacts, not media. */
function kindOf(word: string): MediaKind | undefined {
  return word === 'file' ? 'document' : mediaKindOf(word);
}

function partyOf(party: unknown): string | undefined {
  const { number, id } = fieldsOf(party);
  return personId(party) ?? personId(number) ?? personId(id);
}

function isVonageLink(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && vonageHost.test(new URL(url).hostname);
}
