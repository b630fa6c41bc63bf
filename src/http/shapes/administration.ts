/** Shapes of answers about channels, tokens, the audit trail and counts. */
import { z } from 'zod';

import { scopes } from '../../domain/access.js';
import { mediaStates } from '../../domain/media.js';
import { directions, mediaKinds } from '../../domain/provider.js';
import { moment } from './media.js';

export const channel = z.object({
  id: z.string(),
  provider: z.string(),
  name: z.string().nullable(),
  enabled: z.boolean(),
  source: z.enum(['environment', 'database']).meta({ description: 'Those of the environment are read-only' }),
  webhookUrl: z.string().meta({ description: 'To paste into the console; without the secret' }),
  /** What to do in the provider's console, one step each. */
  setup: z.array(z.string()),
  /** Names of the settings that have a value; values are never shown. */
  settings: z.array(z.string()),
  createdAt: moment.nullable(),
  updatedAt: moment.nullable(),
  lastWebhookAt: moment.nullable(),
  lastRefusedAt: moment.nullable().meta({ description: 'A call whose sender was not proven' }),
  problem: z.string().nullable().meta({ description: 'Why it cannot work; it takes no webhooks then' }),
});
export type ChannelView = z.infer<typeof channel>;

/** Shown once, when the channel is made or its secret is rotated and the service has made the secret itself. */
export const channelWithSecret = channel.extend({ webhookSecret: z.string().nullable() });
export type ChannelWithSecret = z.infer<typeof channelWithSecret>;

/** `GET /v1/providers`: what a channel of each provider needs. */
export const provider = z.object({
  id: z.string(),
  settings: z.array(
    z.object({ name: z.string(), required: z.boolean(), secret: z.boolean(), description: z.string() }),
  ),
  setup: z.array(z.string()),
});
export type ProviderView = z.infer<typeof provider>;

export const token = z.object({
  id: z.string(),
  name: z.string().nullable(),
  scopes: z.array(z.enum(scopes)),
  channels: z.array(z.string()).nullable().meta({ description: 'Null: all' }),
  createdAt: moment,
  expiresAt: moment.nullable(),
  lastUsedAt: moment.nullable(),
  revokedAt: moment.nullable(),
});
export type TokenView = z.infer<typeof token>;
/** With what the token has made. Revoking the token does not end any of it. */
export const tokenWithCreated = token.extend({
  created: z.object({
    tokens: z.array(z.object({ id: z.string(), name: z.string().nullable(), revokedAt: moment.nullable() })),
    subscriptions: z.array(z.object({ id: z.uuid(), url: z.string() })),
    channels: z.array(z.object({ id: z.string(), name: z.string().nullable() })),
  }),
});
export type TokenWithCreatedView = z.infer<typeof tokenWithCreated>;
export const tokenWithSecret = token.extend({ token: z.string() });

/** `GET /v1/session`: who is signed in. */
export const session = z.object({
  tokenId: z.string(),
  scopes: z.array(z.enum(scopes)),
  channels: z.array(z.string()).nullable(),
  publicUrl: z.string(),
});
export type SessionView = z.infer<typeof session>;

export const auditEntry = z.object({
  id: z.uuid(),
  at: moment,
  actor: z.string(),
  actorName: z.string().nullable(),
  action: z.string(),
  channel: z.string().nullable(),
  target: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});
export type AuditEntryView = z.infer<typeof auditEntry>;

const count = { media: z.int(), bytes: z.int() };
/** `GET /v1/stats?days=30`: days are those of UTC. */
export const stats = z.object({
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
      medianSecondsToReady: z.number().nullable(),
    }),
  ),
  oldestPending: z.object({ id: z.uuid(), receivedAt: moment }).nullable(),
  needsAttention: z.object({
    /** Pending for longer than ten minutes. */
    late: z.int(),
    failed: z.int(),
    rejected: z.int(),
    malformed: z.int(),
  }),
  spool: z.object({ webhooks: z.int(), bytes: z.int(), oldestAt: moment.nullable(), aside: z.int() }).meta({
    description:
      'Webhooks of all channels that wait on the disk until their rows are in the database; `aside`: those that the database does not take',
  }),
});
export type StatsView = z.infer<typeof stats>;
