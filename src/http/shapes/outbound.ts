/** Shapes of answers about messages that are sent from here. */
import { z } from 'zod';

import { outboundStates, outboundStatuses } from '../../domain/outbound.js';
import { mediaKinds } from '../../domain/provider.js';
import { exampleFacts, failure, media, mediaFacts, moment } from './media.js';
import { named } from './named.js';

const outboundShape = z.object({
  id: z.uuid().meta({ description: 'Of this service' }),
  channel: z.string(),
  provider: z.string(),
  to: z.string().meta({ description: 'Empty once erased' }),
  kind: z.enum(mediaKinds),
  state: z.enum(outboundStates).meta({
    description:
      'What became of handing it over. `unknown`: the provider may have it or not, and it is not sent again by itself',
  }),
  messageId: z.string().nullable().meta({ description: "The provider's own id, once it has the message" }),
  status: z.enum(outboundStatuses).nullable().meta({
    description: 'How far it is known to have got; null once erased',
  }),
  statusAt: moment.nullable(),
  link: z.string().nullable().meta({ description: 'A foreign link that is sent as it is' }),
  media: media.nullable().meta({ description: 'Null for a foreign link that was not sent yet' }),
  type: z.string().nullable().meta({ description: 'MIME type; null where a foreign link does not say' }),
  bytes: z.int().nullable(),
  caption: z.string().nullable(),
  filename: z.string().nullable(),
  replyTo: z.string().nullable(),
  options: z.record(z.string(), z.unknown()),
  attempts: z.int(),
  nextAttemptAt: moment.nullable(),
  error: failure
    .nullable()
    .meta({ description: "The last failure: the provider's own code and words, or `send.…`" }),
  createdAt: moment,
  sentAt: moment.nullable(),
});
export type OutboundView = z.infer<typeof outboundShape>;

export const outbound = named('OutboundMessage', outboundShape, {
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
});

/** `POST /v1/messages`: a token that may send but not read learns nothing personal about the media. */
export const queued = outboundShape.extend({
  media: z.union([media, mediaFacts]).nullable().meta({
    description: 'Only `id`, `state`, `type`, `bytes`, `width` and `height` for a token without `media:read`',
  }),
});
export type QueuedView = z.infer<typeof queued>;

const sendLimits = z.object({
  media: z.partialRecord(
    z.enum(mediaKinds),
    z.object({
      types: z.array(z.string()),
      maxBytes: z.int(),
      maxCaption: z
        .int()
        .nullable()
        .meta({ description: 'Characters; 0: none is taken; null: no limit is known' }),
      needsFilename: z.literal(true).optional(),
      eightBitRgb: z.literal(true).optional(),
    }),
  ),
  rate: z.object({ messages: z.int(), perMs: z.int(), burst: z.int() }),
  recipient: z.object({ description: z.string(), pattern: z.string() }),
  ways: z.array(z.enum(['link', 'inline', 'upload'])),
});

/** `GET /v1/channels/:id/limits`: what may be sent there. */
export const channelLimits = named(
  'ChannelLimits',
  z.object({
    channel: z.string(),
    provider: z.string(),
    sends: z.boolean().meta({ description: 'False while it lacks settings' }),
    needs: z
      .array(z.array(z.string()))
      .meta({ description: 'Settings that sending needs; any one group is enough' }),
    limits: z
      .record(z.string(), sendLimits)
      .meta({ description: 'By the value of the option that chooses, or one named `default`' }),
    options: z
      .record(z.string(), z.unknown())
      .meta({ description: 'JSON Schema of `options` beside `fit` and `fetch`' }),
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
