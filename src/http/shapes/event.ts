/** Shapes of events and of those who subscribe to them. */
import { z } from 'zod';

import { eventTypes } from '../../domain/event.js';
import { messageStatuses } from '../../domain/provider.js';
import { failure, media, moment } from './media.js';

const common = {
  id: z.string().meta({ description: 'Grows; Last-Event-ID' }),
  timestamp: moment,
  channel: z.string(),
};

/** `data` of a server-sent event, and the body that a subscription is sent. */
export const event = z.discriminatedUnion('type', [
  z.object({ ...common, type: z.enum(['media.ready', 'media.failed', 'media.rejected']), data: media }),
  z.object({
    ...common,
    type: z.literal('message.status'),
    data: z.object({
      channel: z.string(),
      id: z.uuid().nullable().meta({ description: 'Of the message, where it was sent from here' }),
      messageId: z.string().meta({
        description: "The provider's own id; where it never gave one, the same as `id`",
      }),
      status: z.enum([...messageStatuses, 'unknown']),
      at: moment.nullable(),
      error: failure.nullable(),
    }),
  }),
]);
export type EventView = z.infer<typeof event>;

export const subscription = z.object({
  id: z.uuid(),
  url: z.url(),
  description: z.string().nullable(),
  types: z.array(z.enum(eventTypes)).meta({ description: 'Empty: all' }),
  channels: z.array(z.string()).meta({ description: 'Empty: all' }),
  createdAt: moment,
  state: z.enum(['active', 'failing', 'disabled']),
  lastDeliveredAt: moment.nullable(),
  failingSince: moment.nullable(),
  lastError: z.string().nullable(),
  disabledAt: moment.nullable(),
  disabledReason: z.string().nullable(),
});
export type SubscriptionView = z.infer<typeof subscription>;

/** The answer to a new subscription, or a new secret: the only time that the secret is shown. */
export const subscriptionWithSecret = subscription.extend({
  secret: z.string().meta({ description: '`whsec_...`, see standardwebhooks.com' }),
});

/** `POST /v1/subscriptions/:id/test`: what became of the sample. */
export const sampleResult = z.object({
  delivered: z.boolean(),
  status: z.int().nullable(),
  error: z.string().nullable(),
});
export type SampleResult = z.infer<typeof sampleResult>;

/** `GET /v1/subscriptions/:id/deliveries`: one event on its way. */
export const notificationDelivery = z.object({
  id: z.string(),
  createdAt: moment,
  state: z.enum(['waiting', 'delivered', 'given up']),
  attempts: z.int(),
  settledAt: moment.nullable(),
  lastStatus: z.int().nullable(),
  lastError: z.string().nullable(),
});
export type NotificationDeliveryView = z.infer<typeof notificationDelivery>;
