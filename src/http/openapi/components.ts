/** The names that shapes have in the OpenAPI document, each with an example. */
import { zodToOpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import type { z } from 'zod';

import {
  auditEntry,
  channel,
  channelWithSecret,
  provider,
  session,
  stats,
  token,
  tokenWithSecret,
} from '../shapes/administration.js';
import {
  event,
  notificationDelivery,
  resendResult,
  sampleResult,
  streamEvent,
  subscription,
  subscriptionWithSecret,
} from '../shapes/event.js';
import { erased, link, media, mediaHistory, type messageFacts } from '../shapes/media.js';
import { delivery, deliverySummary, message, receipt } from '../shapes/message.js';
import { channelLimits, outbound } from '../shapes/outbound.js';
import { problem } from '../shapes/problem.js';

const id = '019aa5e2-84cb-731f-9829-ba4daaa1dfb0';
const deliveryId = '019aa5e2-84c9-7728-9890-b058615850a8';

const facts: z.infer<typeof messageFacts> = {
  id: '3EB0A1B2C3D4E5F60718',
  from: '5511999990000',
  to: '5511888880000',
  chat: null,
  senderName: 'Ana',
  caption: 'The roses arrived!',
  sentAt: '2026-11-21T10:00:00.000Z',
};

const readyMedia: z.infer<typeof media> = {
  id,
  channel: 'z-api',
  provider: 'z-api',
  direction: 'inbound',
  kind: 'image',
  state: 'ready',
  message: facts,
  receivedAt: '2026-11-21T10:00:00.608Z',
  readyAt: '2026-11-21T10:00:00.959Z',
  deletedBySenderAt: null,
  filename: null,
  type: 'image/jpeg',
  bytes: 420_399,
  width: 1_600,
  height: 1_200,
  sha256: '1521ee55857fcf20bb7e0ca938391dc51860bba9590a82f6d75aa4fe5c8e0d81',
  thumbhash: 'XScOJYZ3h3h+h4hwh0h4hniPhvgY',
  previews: {
    small: { url: `/v1/media/${id}/preview?size=small`, type: 'image/webp', width: 320, height: 240 },
    large: { url: `/v1/media/${id}/preview?size=large`, type: 'image/jpeg', width: 1_280, height: 960 },
  },
  contentUrl: `/v1/media/${id}/content`,
  warnings: [],
  attempts: 1,
  nextAttemptAt: null,
  error: null,
};

const summary: z.infer<typeof deliverySummary> = {
  id: deliveryId,
  channel: 'z-api',
  provider: 'z-api',
  outcome: 'accepted',
  reason: null,
  receivedAt: '2026-11-21T10:00:00.608Z',
  erasedAt: null,
};

const madeToken: z.infer<typeof token> = {
  id: '019aa5e0-52f0-7cc3-b5d2-64d21f0a5e10',
  name: 'night shift',
  scopes: ['media:read'],
  channels: ['z-api'],
  createdAt: '2026-11-21T09:58:31.120Z',
  expiresAt: '2026-12-21T09:58:31.000Z',
  lastUsedAt: null,
  revokedAt: null,
};

const addedChannel: z.infer<typeof channel> = {
  id: 'z-api-2',
  provider: 'z-api',
  name: 'The shop by the station',
  enabled: true,
  source: 'database',
  webhookUrl: 'https://inlet.example.com/webhooks/z-api-2',
  setup: ['Set the webhook "on receive" to https://inlet.example.com/webhooks/z-api-2?token=<webhookSecret>'],
  settings: ['webhookSecret'],
  createdAt: '2026-11-21T09:58:31.120Z',
  updatedAt: '2026-11-21T09:58:31.120Z',
  lastWebhookAt: null,
  lastRefusedAt: null,
  problem: null,
};

const subscribed: z.infer<typeof subscription> = {
  id: '019aa5e0-7b10-7e0d-93c1-5f0c7d2e8a46',
  url: 'https://florist.example.com/inlet',
  description: 'Order desk',
  types: ['media.ready'],
  channels: [],
  createdAt: '2026-11-21T09:58:31.120Z',
  state: 'active',
  problem: null,
  lastDeliveredAt: '2026-11-21T10:00:01.070Z',
  failingSince: null,
  lastError: null,
  disabledAt: null,
  disabledReason: null,
  previousSecretUntil: null,
};

const counted = { media: 128, bytes: 53_811_072 };

/**
 * Gives the shape its name and its example, wherever it is used. The package's own way, `shape.openapi(name)`, makes a copy,
 * and other shapes would go on using the one without a name. Shapes that are used with `nullable()` go without one: of those
 * the package makes a wrong document.
 */
function name<Shape extends z.ZodType>(refId: string, shape: Shape, example: z.infer<Shape>): void {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- It is not, says its note: only to be used with care.
  zodToOpenAPIRegistry.add(shape, { _internal: { refId }, examples: [example] });
}

/** Once, before the document is made. */
export function nameComponents(): void {
  name('Problem', problem, {
    type: 'urn:inlet:problem:request.invalid',
    title: 'Bad Request',
    status: 400,
    code: 'request.invalid',
    detail: 'limit: Too big: expected number to be <=200',
    errors: [{ field: 'limit', message: 'Too big: expected number to be <=200' }],
  });
  name('Media', media, readyMedia);
  name('MediaHistory', mediaHistory, {
    receivedAt: readyMedia.receivedAt,
    delivery: deliveryId,
    attempts: [{ at: '2026-11-21T10:00:00.959Z', error: null }],
    readyAt: readyMedia.readyAt,
    deletedBySenderAt: null,
    erasedAt: null,
    nextAttemptAt: null,
  });
  name('SignedLink', link, {
    url: `https://inlet.example.com/v1/media/${id}/content?expires=1795258800&signature=iBahPNqo_VJlHyW44K2_WWwj4Gf9JKDeCLAbo8C6Gms`,
    expiresAt: '2026-11-21T11:00:00.000Z',
  });
  name('Erased', erased, { erased: { messages: 1, media: 1, blobs: 1, bytes: 420_399, deliveries: 1 } });
  name('Message', message, {
    channel: 'z-api',
    provider: 'z-api',
    direction: 'inbound',
    ...facts,
    receivedAt: readyMedia.receivedAt,
    status: null,
    statusAt: null,
    error: null,
    media: [readyMedia],
  });
  name('OutboundMessage', outbound, {
    id: '019aa5e4-1f0a-7c11-9a8e-5d1c7b3e2f40',
    channel: 'z-api',
    provider: 'z-api',
    to: '5511999990000',
    kind: 'image',
    state: 'sent',
    messageId: 'D241XXXX732339502B68',
    status: 'delivered',
    statusAt: '2026-11-21T10:02:11.000Z',
    link: null,
    media: null,
    type: 'image/jpeg',
    bytes: 420_399,
    caption: 'Your roses',
    filename: null,
    replyTo: facts.id,
    options: {},
    attempts: 1,
    nextAttemptAt: null,
    error: null,
    createdAt: '2026-11-21T10:02:07.310Z',
    sentAt: '2026-11-21T10:02:07.842Z',
  });
  name('ChannelLimits', channelLimits, {
    channel: 'z-api',
    provider: 'z-api',
    sends: true,
    needs: [['instanceId', 'token']],
    limits: {
      default: {
        media: { image: { types: ['image/jpeg', 'image/png'], maxBytes: 5_242_880, maxCaption: 1_024 } },
        rate: { messages: 1, perMs: 1_000, burst: 1 },
        recipient: { description: 'a phone number: digits with the country code', pattern: '\\d{8,15}' },
        ways: ['link', 'inline'],
      },
    },
    options: { type: 'object' },
  });
  name('Receipt', receipt, { delivery: deliveryId, outcome: 'accepted', duplicate: false, media: [id] });
  name('DeliverySummary', deliverySummary, summary);
  name('Delivery', delivery, {
    ...summary,
    headers: { 'content-type': 'application/json' },
    body: '{"type":"ReceivedCallback","messageId":"3EB0A1B2C3D4E5F60718"}',
  });
  name('AuditEntry', auditEntry, {
    id: '019aa5e9-1c20-7a11-8d52-3f60b1c3a7d4',
    at: '2026-11-21T10:07:14.080Z',
    actor: '019aa5e0-52f0-7cc3-b5d2-64d21f0a5e10',
    actorName: 'night shift',
    action: 'media.erase',
    channel: 'z-api',
    target: id,
    details: { bytes: 420_399 },
  });
  const announced: z.infer<typeof event> = {
    id: '4711',
    timestamp: '2026-11-21T10:00:00.959Z',
    channel: 'z-api',
    type: 'media.ready',
    data: readyMedia,
  };
  name('Event', event, announced);
  name('StreamEvent', streamEvent, {
    id: '4710',
    timestamp: '2026-11-21T10:00:00.000Z',
    type: 'stream.open',
    missed: false,
  });
  name('Subscription', subscription, subscribed);
  name('SubscriptionWithSecret', subscriptionWithSecret, {
    ...subscribed,
    secret: 'whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwganVzdCB0ZXh0ISE=',
  });
  name('SampleResult', sampleResult, { delivered: true, status: 204, error: null });
  name('NotificationDelivery', notificationDelivery, {
    id: '815',
    event: 'evt_4711',
    type: 'media.ready',
    createdAt: '2026-11-21T10:00:00.980Z',
    state: 'delivered',
    attempts: 1,
    nextAttemptAt: null,
    settledAt: '2026-11-21T10:00:01.070Z',
    lastStatus: 204,
    lastError: null,
    history: [{ at: '2026-11-21T10:00:00.990Z', status: 204, error: null, durationMs: 80, answer: null }],
    payload: announced,
  });
  name('ResendResult', resendResult, { count: 12, next: null });
  name('Token', token, madeToken);
  name('TokenWithSecret', tokenWithSecret, {
    ...madeToken,
    token: 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJpbmxldCJ9.c2lnbmF0dXJl',
  });
  name('Channel', channel, addedChannel);
  name('ChannelWithSecret', channelWithSecret, {
    ...addedChannel,
    webhookSecret: 'bm90LWEtc2VjcmV0LWF0LWFsbC1qdXN0LXNvbWUtdGV4dA',
  });
  name('Provider', provider, {
    id: 'z-api',
    settings: [
      {
        name: 'webhookSecret',
        required: false,
        secret: true,
        description: 'Proves who calls: at least 16 characters',
      },
    ],
    setup: [
      'Set the webhook "on receive" to https://inlet.example.com/webhooks/<channel>?token=<webhookSecret>',
    ],
  });
  name('Session', session, {
    tokenId: madeToken.id,
    scopes: madeToken.scopes,
    channels: madeToken.channels,
    publicUrl: 'https://inlet.example.com',
  });
  name('Stats', stats, {
    since: '2026-10-23T00:00:00.000Z',
    total: counted,
    byChannel: [{ channel: 'z-api', ...counted }],
    byState: [{ state: 'ready', ...counted }],
    byKind: [{ kind: 'image', ...counted }],
    byDirection: [{ direction: 'inbound', ...counted }],
    byDay: [
      {
        day: '2026-11-21',
        channel: 'z-api',
        ...counted,
        ready: 128,
        failed: 0,
        medianSecondsToReady: 0.4,
      },
    ],
    oldestPending: null,
    needsAttention: { late: 0, failed: 0, rejected: 0, malformed: 0 },
    spool: { webhooks: 0, bytes: 0, oldestAt: null, aside: 0 },
  });
}
