import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';

import jwt from 'jsonwebtoken';

import { isApplicationJwt, requiresApplicationJwt } from '../media-checks.js';
import type { Content } from '../media-host.js';
import type { ApiCall } from './api/calls.js';
import type { ApiRules } from './api/provider-api.js';
import type { Failure } from './api/report.js';
import { conversationRoutes } from './api/vonage-conversations.js';
import { messagesRoute, vonageProblem, type TakenMessage } from './api/vonage-messages.js';
import {
  businessNumber,
  jsonHeaders,
  present,
  senderOf,
  type Place,
  type SimulatedMedia,
  type SimulatedMessage,
  type SimulatedProvider,
  type SimulatedStatus,
  type Webhook,
} from './simulated-provider.js';

export interface VonageSecrets {
  readonly signatureSecret: string;
  /** Verifies Conversation events, which Vonage does not sign. */
  readonly webhookSecret: string;
  readonly applicationId: string;
  /** The key in PEM with which the service signs. */
  readonly privateKey: string;
  /** The key in PEM with which the simulator verifies. */
  readonly publicKey: string;
}

export interface SimulatedVonage extends SimulatedProvider {
  /** A link of "secure inbound media", which requires the application's own token. */
  readonly publishSecure: (content: Content) => string;
  /** A Conversation event with the picture: unsigned, verified by the secret in its URL. */
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

/**
 * Vonage: Messages API webhooks signed with a JWT over the body; files by id, public or for the application
 * only.
 */
export function simulateVonage(secrets: VonageSecrets, { host, api }: Place): SimulatedVonage {
  const mediaPath = () => `/v3/media/${randomUUID()}`;
  const signed = (event: unknown): Webhook => {
    const body = JSON.stringify(event);
    const headers = { ...jsonHeaders, authorization: `Bearer ${signature(body, secrets)}` };
    return { path: '/webhooks/vonage', headers, body };
  };
  const unsigned = (event: unknown): Webhook => ({
    path: `/webhooks/vonage?token=${secrets.webhookSecret}`,
    headers: jsonHeaders,
    body: JSON.stringify(event),
  });
  const isAuthorized = ({ headers }: ApiCall) => isApplicationJwt(headers.authorization, secrets);
  api.obey({
    ...apiRules,
    routes: [
      messagesRoute({
        isAuthorized,
        report: (message) => (status, failure) => [signed(statusEvent(message, status, failure))],
      }),
      ...conversationRoutes({
        isAuthorized,
        origin: api.origin,
        inspect: api.inspect,
        report: (conversation, event) => (status) => [
          unsigned(receipt({ conversation, event, status, applicationId: secrets.applicationId })),
        ],
      }),
    ],
  });
  return {
    api,
    webhook: (message) => signed(messagesEvent(message)),
    conversationWebhook: (media) => unsigned(conversationEvent(media, secrets.applicationId)),
    publish: (content, ...checks) => host.serve(mediaPath(), content, checks),
    publishSecure: (content) => host.serve(mediaPath(), content, [requiresApplicationJwt(secrets)]),
    env: () => ({
      VONAGE_SIGNATURE_SECRET: secrets.signatureSecret,
      VONAGE_WEBHOOK_SECRET: secrets.webhookSecret,
      VONAGE_APPLICATION_ID: secrets.applicationId,
      VONAGE_PRIVATE_KEY: secrets.privateKey,
      VONAGE_FROM: businessNumber,
      VONAGE_API_URL: api.origin,
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

const minute = 60_000;
const apiRules: Omit<ApiRules, 'routes'> = {
  problem: vonageProblem,
  tooMany: () => vonageProblem(429, 'Please wait, then retry your request'),
  // 5 s, doubling up to 15 min, for 24 h (api.support.vonage.com 360028543292).
  resendsAfterMs: Array.from({ length: 100 }, (_, attempt) => Math.min(5_000 * 2 ** attempt, 15 * minute)),
};

const statuses = {
  sent: 'submitted',
  delivered: 'delivered',
  read: 'read',
  failed: 'rejected',
} as const satisfies Record<SimulatedStatus, string>;

function statusEvent(
  message: TakenMessage,
  status: SimulatedStatus,
  failure: Failure | null,
): Record<string, unknown> {
  const { id, to, from, channel, clientRef } = message;
  const error = failure && {
    type: `https://developer.vonage.com/api-errors/messages#${failure.code}`,
    title: failure.code,
    detail: failure.message,
    instance: randomUUID(),
  };
  return present({
    message_uuid: id,
    to,
    from,
    channel,
    timestamp: new Date().toISOString(),
    status: statuses[status],
    client_ref: clientRef,
    error: error ?? undefined,
  });
}

const receipts = {
  sent: 'submitted',
  delivered: 'delivered',
  read: 'seen',
  failed: 'undeliverable',
} as const satisfies Record<SimulatedStatus, string>;

interface Receipt {
  readonly conversation: string;
  readonly event: number;
  readonly status: SimulatedStatus;
  readonly applicationId: string;
}

/** The outcome of an event, as a separate event. */
function receipt({ conversation, event, status, applicationId }: Receipt): Record<string, unknown> {
  return {
    type: `message:${receipts[status]}`,
    id: event + 1,
    conversation_id: conversation,
    application_id: applicationId,
    from: `MEM-${randomUUID()}`,
    timestamp: new Date().toISOString(),
    body: { event_id: event },
  };
}

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
