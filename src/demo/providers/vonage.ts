import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';

import jwt from 'jsonwebtoken';

import { requiresApplicationJwt } from '../media-checks.js';
import type { Content, MediaHost } from '../media-host.js';
import {
  businessNumber,
  jsonHeaders,
  present,
  senderOf,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type SimulatedStatus,
  type Webhook,
} from './simulated-provider.js';

export interface VonageSecrets {
  readonly signatureSecret: string;
  /** Proves Conversation events, which Vonage does not sign. */
  readonly webhookSecret: string;
  readonly applicationId: string;
  /** PEM; the service signs with it. */
  readonly privateKey: string;
  /** PEM; the simulator checks with it. */
  readonly publicKey: string;
}

export interface SimulatedVonage extends SimulatedProvider {
  /** A link of "secure inbound media": it wants the application's own token. */
  readonly publishSecure: (content: Content) => string;
  /** A Conversation event that carries the picture: unsigned, proven by the secret in its address. */
  readonly conversationWebhook: (media: SimulatedMedia) => Webhook;
}

export function createVonageSecrets(): VonageSecrets {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return {
    signatureSecret: randomBytes(32).toString('hex'),
    webhookSecret: randomBytes(24).toString('hex'),
    applicationId: randomUUID(),
    ...pair,
  };
}

/** Vonage: Messages API webhooks signed with a JWT over the body; files by id, public or for the application only. */
export function simulateVonage(secrets: VonageSecrets, host: MediaHost): SimulatedVonage {
  const mediaPath = () => `/v3/media/${randomUUID()}`;
  return {
    webhook: (message) => {
      const body = JSON.stringify(messagesEvent(message));
      const headers = { ...jsonHeaders, authorization: `Bearer ${signature(body, secrets)}` };
      return { path: '/webhooks/vonage', headers, body };
    },
    conversationWebhook: (media) => ({
      path: `/webhooks/vonage?token=${secrets.webhookSecret}`,
      headers: jsonHeaders,
      body: JSON.stringify(conversationEvent(media, secrets.applicationId)),
    }),
    publish: (content, ...checks) => host.serve(mediaPath(), content, checks),
    publishSecure: (content) => host.serve(mediaPath(), content, [requiresApplicationJwt(secrets)]),
    env: () => ({
      VONAGE_SIGNATURE_SECRET: secrets.signatureSecret,
      VONAGE_WEBHOOK_SECRET: secrets.webhookSecret,
      VONAGE_APPLICATION_ID: secrets.applicationId,
      VONAGE_PRIVATE_KEY: secrets.privateKey,
      VONAGE_API_URL: host.origin,
      VONAGE_MEDIA_HOSTS: host.host,
    }),
  };
}

/** `jsonwebtoken` adds `iat`; like Vonage's own, the token has no `exp`. */
function signature(body: string, { signatureSecret, applicationId }: VonageSecrets): string {
  const claims = {
    iss: 'Vonage',
    api_key: 'demo1234',
    application_id: applicationId,
    payload_hash: createHash('sha256').update(body).digest('hex'),
  };
  return jwt.sign(claims, signatureSecret, { algorithm: 'HS256', jwtid: randomUUID() });
}

const statuses = { sent: 'submitted', delivered: 'delivered', read: 'read' } as const satisfies Record<
  SimulatedStatus,
  string
>;

function messagesEvent(message: SimulatedMessage): Record<string, unknown> {
  const { id, from, name, sentAt } = senderOf(message);
  const common = { channel: 'whatsapp', message_uuid: id, timestamp: sentAt.toISOString() };
  if (message.kind === 'status') {
    return { ...common, from: businessNumber, to: from, status: statuses[message.status] };
  }
  return { ...common, from, to: businessNumber, profile: { name }, ...typed(message) };
}

function typed(message: Exclude<SimulatedMessage, { kind: 'status' }>): Record<string, unknown> {
  if (message.kind === 'text') return { message_type: 'text', text: message.text };
  if (message.kind === 'malformed') return { message_type: 'image', image: {} };
  const type = message.kind === 'document' ? 'file' : message.kind;
  const { url, caption, filename: name } = message;
  return { message_type: type, [type]: present({ url, caption, name }) };
}

function conversationEvent(media: SimulatedMedia, applicationId: string): Record<string, unknown> {
  const { name, sentAt } = senderOf(media);
  const member = `MEM-${randomUUID()}`;
  return {
    type: 'message',
    id: 1,
    conversation_id: `CON-${randomUUID()}`,
    application_id: applicationId,
    from: member,
    timestamp: sentAt.toISOString(),
    body: { message_type: media.kind, [media.kind]: { url: media.url } },
    _embedded: { from_user: { id: `USR-${randomUUID()}`, name }, from_member: { id: member } },
  };
}
