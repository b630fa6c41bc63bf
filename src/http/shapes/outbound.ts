/** Shapes of answers about messages that are sent from here. */
import { z } from 'zod';

import { outboundStates, outboundStatuses } from '../../domain/outbound.js';
import { mediaKinds } from '../../domain/provider.js';
import { failure, media, mediaFacts, moment } from './media.js';

export const outbound = z.object({
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
export type OutboundView = z.infer<typeof outbound>;

/** `POST /v1/messages`: a token that may send but not read learns nothing personal about the media. */
export const queued = outbound.extend({
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
export const channelLimits = z.object({
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
});
export type ChannelLimits = z.infer<typeof channelLimits>;
