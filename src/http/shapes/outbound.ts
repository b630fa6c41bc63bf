/** Shapes of answers about messages that are sent through the API. */
import { z } from 'zod';

import { outboundStates, outboundStatuses } from '../../domain/outbound.js';
import { mediaKinds } from '../../domain/provider.js';
import { exampleFacts, failure, media, mediaFacts, moment } from './media.js';
import { named } from './named.js';

const outboundShape = z.object({
  id: z.uuid().meta({ description: 'The id of this service' }),
  channel: z.string(),
  provider: z.string(),
  to: z.string().meta({ description: 'Empty after erasure' }),
  kind: z.enum(mediaKinds),
  state: z.enum(outboundStates).meta({
    description:
      'The progress of sending. `unknown`: it is unknown whether the provider received it, and it is not sent again automatically',
  }),
  messageId: z
    .string()
    .nullable()
    .meta({ description: "The provider's own id, once it has accepted the message" }),
  status: z.enum(outboundStatuses).nullable().meta({
    description: 'The furthest known status; null after erasure',
  }),
  statusAt: moment.nullable(),
  link: z.string().nullable().meta({ description: 'A foreign link, which is sent unchanged' }),
  media: media.nullable().meta({ description: 'Null for a foreign link until it was sent' }),
  type: z.string().nullable().meta({ description: 'MIME type; null if it is unknown for a foreign link' }),
  bytes: z.int().nullable(),
  caption: z.string().nullable(),
  filename: z.string().nullable(),
  replyTo: z.string().nullable(),
  options: z.record(z.string(), z.unknown()),
  attempts: z.int(),
  nextAttemptAt: moment.nullable(),
  error: failure
    .nullable()
    .meta({ description: "The last failure, with the provider's own code and message, or `send.…`" }),
  createdAt: moment,
  sentAt: moment.nullable(),
});
export type OutboundView = z.infer<typeof outboundShape>;

const exampleOutbound: OutboundView = {
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
  replyTo: exampleFacts.id,
  options: {},
  attempts: 1,
  nextAttemptAt: null,
  error: null,
  createdAt: '2026-11-21T10:02:07.310Z',
  sentAt: '2026-11-21T10:02:07.842Z',
};

export const outbound = named('OutboundMessage', outboundShape, exampleOutbound);

/** `POST /v1/messages`: a token that may send but not read receives no personal data of the media item. */
export const queued = named(
  'QueuedMessage',
  outboundShape.extend({
    media: z.union([media, mediaFacts]).nullable().meta({
      description:
        'Only `id`, `state`, `type`, `bytes`, `width` and `height` for a token without `media:read`',
    }),
  }),
  { ...exampleOutbound, state: 'queued', messageId: null, status: 'queued', attempts: 0, sentAt: null },
);
export type QueuedView = z.infer<typeof queued>;

const mediaLimits = z.object({
  types: z.array(z.string()),
  maxBytes: z.int(),
  maxCaption: z
    .int()
    .nullable()
    .meta({ description: 'In characters; 0 if captions are not supported; null if no limit is known' }),
  needsFilename: z.literal(true).optional(),
  eightBitRgb: z.literal(true).optional(),
  maxEdges: z.int().optional().meta({ description: 'Width and height together, in pixels' }),
  maxRatio: z.number().optional().meta({ description: 'Of the longer to the shorter edge' }),
});

const sendLimits = z.object({
  media: z.partialRecord(z.enum(mediaKinds), mediaLimits),
  linkedMedia: z
    .partialRecord(z.enum(mediaKinds), mediaLimits)
    .optional()
    .meta({ description: 'Of links that the provider downloads itself, for kinds where they differ' }),
  rate: z.object({ messages: z.int(), perMs: z.int(), burst: z.int() }),
  recipient: z.object({ description: z.string(), pattern: z.string() }),
  ways: z.array(z.enum(['link', 'inline', 'upload'])),
});

/** `GET /v1/channels/:id/limits`: the limits for messages in a channel. */
export const channelLimits = named(
  'ChannelLimits',
  z.object({
    channel: z.string(),
    provider: z.string(),
    sends: z.boolean().meta({ description: 'False while required settings are missing' }),
    needs: z
      .array(z.array(z.string()))
      .meta({ description: 'The settings that sending requires; one of the groups is sufficient' }),
    limits: z
      .record(z.string(), sendLimits)
      .meta({ description: 'By value of the option that selects them, or one entry named `default`' }),
    options: z
      .record(z.string(), z.unknown())
      .meta({ description: 'The JSON Schema of `options`, without `fit` and `fetch`' }),
  }),
  {
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
  },
);
