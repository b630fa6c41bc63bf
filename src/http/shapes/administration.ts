/** Shapes of answers about channels, tokens, the audit trail and counts. */
import { z } from 'zod';

import { scopes } from '../../domain/access.js';
import { mediaStates } from '../../domain/media.js';
import { directions, mediaKinds, messageStatuses } from '../../domain/provider.js';
import { exampleId, moment } from './media.js';
import { named } from './named.js';

const channelShape = z.object({
  id: z.string(),
  provider: z.string(),
  name: z.string().nullable(),
  enabled: z.boolean(),
  source: z
    .enum(['environment', 'database'])
    .meta({ description: 'Channels from the environment are read-only' }),
  webhookUrl: z.string().meta({ description: 'For the console of the provider; without the secret' }),
  /** The steps in the provider's console. */
  setup: z.array(z.string()),
  canConnect: z.boolean().meta({
    description: 'Whether the provider can be told the address: `POST /v1/channels/{id}/connect`',
  }),
  /** The names of the settings that have a value. Values are never shown. */
  settings: z.array(z.string()),
  retention: z.object({ mediaDays: z.int().nullable(), deliveryDays: z.int().nullable() }).meta({
    description:
      'For how many days media and raw webhooks of this channel are kept; null leaves it to the settings of the service',
  }),
  createdAt: moment.nullable(),
  updatedAt: moment.nullable(),
  lastWebhookAt: moment.nullable(),
  lastRefusedAt: moment
    .nullable()
    .meta({ description: 'The last webhook whose signature or secret was missing or wrong' }),
  problem: z
    .string()
    .nullable()
    .meta({ description: 'Why the channel cannot work; it then accepts no webhooks' }),
});
export type ChannelView = z.infer<typeof channelShape>;

const exampleChannel: ChannelView = {
  id: 'z-api-2',
  provider: 'z-api',
  name: 'The shop by the station',
  enabled: true,
  source: 'database',
  webhookUrl: 'https://inlet.example.com/webhooks/z-api-2',
  setup: ['Set the webhook "on receive" to https://inlet.example.com/webhooks/z-api-2?token=<webhookSecret>'],
  canConnect: false,
  settings: ['webhookSecret'],
  retention: { mediaDays: 90, deliveryDays: null },
  createdAt: '2026-11-21T09:58:31.120Z',
  updatedAt: '2026-11-21T09:58:31.120Z',
  lastWebhookAt: null,
  lastRefusedAt: null,
  problem: null,
};

export const channel = named('Channel', channelShape, exampleChannel);

/** The secret is only shown once, if the service has generated it for a new channel or a rotation. */
export const channelWithSecret = named(
  'ChannelWithSecret',
  channelShape.extend({ webhookSecret: z.string().nullable() }),
  {
    ...exampleChannel,
    webhookSecret: 'bm90LWEtc2VjcmV0LWF0LWFsbC1qdXN0LXNvbWUtdGV4dA',
  },
);
export type ChannelWithSecret = z.infer<typeof channelWithSecret>;

/** `GET /v1/providers`: the settings of a channel of each provider. */
export const provider = named(
  'Provider',
  z.object({
    id: z.string(),
    settings: z.array(
      z.object({
        name: z.string(),
        required: z.boolean(),
        secret: z.boolean(),
        multiline: z.boolean().meta({ description: 'Whether values may have several lines' }),
        group: z
          .string()
          .nullable()
          .meta({ description: 'What the setting belongs to, where a provider has many settings' }),
        description: z.string(),
      }),
    ),
    reports: z.array(z.enum(messageStatuses)).meta({
      description: 'The statuses that the provider reports about sent messages; empty if it reports none',
    }),
    setup: z.array(z.string()),
    examples: z
      .array(
        z.object({
          id: z.string(),
          title: z.string(),
          source: z.string().nullable().meta({ description: 'The page that describes the payloads' }),
          notes: z.array(z.string()),
          settings: z.record(z.string(), z.string()).meta({ description: 'Values by name, without secrets' }),
          sample: z.object({ contentType: z.string(), body: z.string() }),
        }),
      )
      .meta({ description: 'Settings for kinds of senders, each with a webhook of invented values' }),
  }),
  {
    id: 'z-api',
    reports: ['sent', 'delivered', 'read', 'failed'],
    settings: [
      {
        name: 'webhookSecret',
        required: false,
        secret: true,
        multiline: false,
        group: null,
        description: 'Verifies the sender: at least 16 characters',
      },
    ],
    setup: [
      'Set the webhook "on receive" to https://inlet.example.com/webhooks/<channel>?token=<webhookSecret>',
    ],
    examples: [],
  },
);
export type ProviderView = z.infer<typeof provider>;

const tokenShape = z.object({
  id: z.string(),
  name: z.string().nullable(),
  scopes: z.array(z.enum(scopes)),
  channels: z.array(z.string()).nullable().meta({ description: 'Null for all channels' }),
  owner: z
    .object({ id: z.uuid(), name: z.string() })
    .nullable()
    .meta({ description: 'The user who has created it; null for a token of nobody in particular' }),
  createdAt: moment,
  expiresAt: moment.nullable(),
  lastUsedAt: moment.nullable(),
  revokedAt: moment.nullable(),
});
export type TokenView = z.infer<typeof tokenShape>;

const exampleToken: TokenView = {
  id: '019aa5e0-52f0-7cc3-b5d2-64d21f0a5e10',
  name: 'night shift',
  scopes: ['media:read'],
  channels: ['z-api'],
  owner: { id: '019aa5e0-1f22-7d10-9c41-5a0b7d3e6f21', name: 'Fernanda Souza' },
  createdAt: '2026-11-21T09:58:31.120Z',
  expiresAt: '2026-12-21T09:58:31.000Z',
  lastUsedAt: null,
  revokedAt: null,
};

export const token = named('Token', tokenShape, exampleToken);
/** A token with the objects that it has created. Revoking the token does not affect them. */
export const tokenDetails = named(
  'TokenDetails',
  tokenShape.extend({
    created: z.object({
      tokens: z.array(
        z.object({ id: z.string(), name: z.string().nullable(), revokedAt: moment.nullable() }),
      ),
      subscriptions: z.array(z.object({ id: z.uuid(), url: z.string() })),
      channels: z.array(z.object({ id: z.string(), name: z.string().nullable() })),
    }),
  }),
  { ...exampleToken, created: { tokens: [], subscriptions: [], channels: [{ id: 'z-api', name: 'Sales' }] } },
);
export type TokenDetailsView = z.infer<typeof tokenDetails>;
export const tokenWithSecret = named('TokenWithSecret', tokenShape.extend({ token: z.string() }), {
  ...exampleToken,
  token: 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJpbmxldCJ9.c2lnbmF0dXJl',
});

export const auditEntry = named(
  'AuditEntry',
  z.object({
    id: z.uuid(),
    at: moment,
    actor: z.string(),
    actorName: z.string().nullable(),
    action: z.string(),
    channel: z.string().nullable(),
    target: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  }),
  {
    id: '019aa5e9-1c20-7a11-8d52-3f60b1c3a7d4',
    at: '2026-11-21T10:07:14.080Z',
    actor: '019aa5e0-52f0-7cc3-b5d2-64d21f0a5e10',
    actorName: 'night shift',
    action: 'media.erase',
    channel: 'z-api',
    target: exampleId,
    details: { bytes: 420_399 },
  },
);
export type AuditEntryView = z.infer<typeof auditEntry>;

const exampleCount = { media: 128, bytes: 53_811_072 };
const count = { media: z.int(), bytes: z.int() };
/** `GET /v1/stats?days=30`, with days in UTC. */
export const stats = named(
  'Stats',
  z.object({
    since: moment,
    total: z.object(count),
    byChannel: z.array(z.object({ channel: z.string(), ...count })),
    byState: z.array(z.object({ state: z.enum(mediaStates), ...count })),
    byKind: z.array(z.object({ kind: z.enum(mediaKinds), ...count })),
    byDirection: z.array(z.object({ direction: z.enum(directions), ...count })),
    byDay: z.array(
      z.object({
        day: z.iso.date(),
        channel: z.string(),
        ...count,
        ready: z.int(),
        failed: z.int().meta({ description: 'failed and rejected' }),
        medianSecondsToReady: z.number().nullable().meta({ description: 'With two significant digits' }),
      }),
    ),
    oldestPending: z.object({ id: z.uuid(), receivedAt: moment }).nullable(),
    needsAttention: z.object({
      late: z.int().meta({ description: 'Pending for longer than ten minutes, to the full minute' }),
      failed: z.int(),
      rejected: z.int(),
      malformed: z.int(),
    }),
    spool: z.object({ webhooks: z.int(), bytes: z.int(), oldestAt: moment.nullable(), aside: z.int() }).meta({
      description:
        'Webhooks of all channels that wait on the disk until their rows are in the database; `aside` counts the webhooks that the database refuses',
    }),
  }),
  {
    since: '2026-10-23T00:00:00.000Z',
    total: exampleCount,
    byChannel: [{ channel: 'z-api', ...exampleCount }],
    byState: [{ state: 'ready', ...exampleCount }],
    byKind: [{ kind: 'image', ...exampleCount }],
    byDirection: [{ direction: 'inbound', ...exampleCount }],
    byDay: [
      {
        day: '2026-11-21',
        channel: 'z-api',
        ...exampleCount,
        ready: 128,
        failed: 0,
        medianSecondsToReady: 0.4,
      },
    ],
    oldestPending: null,
    needsAttention: { late: 0, failed: 0, rejected: 0, malformed: 0 },
    spool: { webhooks: 0, bytes: 0, oldestAt: null, aside: 0 },
  },
);
export type StatsView = z.infer<typeof stats>;
