/** Shapes of events and subscriptions. */
import { z } from 'zod';

import { alertTypes, eventTypes, mediaEventTypes } from '../../domain/event.js';
import { messageStatuses } from '../../domain/provider.js';
import { exampleMedia, failure, media, moment } from './media.js';
import { named } from './named.js';

const common = {
  id: z.string().meta({ description: 'Increases; the value for Last-Event-ID' }),
  timestamp: moment,
  channel: z.string(),
};

const eventShape = z.discriminatedUnion('type', [
  z.object({ ...common, type: z.enum(mediaEventTypes), data: media }),
  z.object({
    ...common,
    type: z.literal('message.status'),
    data: z.object({
      channel: z.string(),
      id: z.uuid().nullable().meta({ description: 'The id of the message if it was sent through the API' }),
      messageId: z.string().meta({
        description: "The provider's own id, or `id` if the provider never gave one",
      }),
      status: z.enum([...messageStatuses, 'unknown']),
      at: moment.nullable(),
      error: failure.nullable(),
    }),
  }),
  z.object({
    ...common,
    channel: z.string().nullable().meta({ description: 'Null for an alert about the service as a whole' }),
    type: z.enum(alertTypes),
    data: z.object({
      state: z.enum(['began', 'ended']),
      subject: z
        .string()
        .meta({ description: 'The channel, the id of the subscription, or a part of the service' }),
      since: moment,
      until: moment.nullable(),
      message: z.string().meta({ description: 'A sentence for the operator' }),
    }),
  }),
]);
export type EventView = z.infer<typeof eventShape>;

const exampleEvent: EventView = {
  id: '4711',
  timestamp: '2026-11-21T10:00:00.959Z',
  channel: 'z-api',
  type: 'media.ready',
  data: exampleMedia,
};

/** The `data` of a server-sent event, and the body of a post to a subscription. */
export const event = named('Event', eventShape, exampleEvent);

/** Events of a stream about the stream itself. */
export const streamEvent = named(
  'StreamEvent',
  z.discriminatedUnion('type', [
    z.object({
      id: common.id,
      timestamp: moment,
      type: z.literal('stream.open'),
      missed: z.boolean().meta({ description: 'Whether some events after the given id are no longer kept' }),
    }),
    z
      .object({ id: common.id, timestamp: moment, type: z.literal('stream.position') })
      .meta({ description: 'There are no more events for this client up to this position' }),
  ]),
  {
    id: '4710',
    timestamp: '2026-11-21T10:00:00.000Z',
    type: 'stream.open',
    missed: false,
  },
);
export type StreamEventView = z.infer<typeof streamEvent>;

const subscriptionShape = z.object({
  id: z.uuid(),
  url: z.url(),
  description: z.string().nullable(),
  types: z.array(z.enum(eventTypes)).meta({ description: 'All types if empty' }),
  channels: z.array(z.string()).meta({ description: 'All channels if empty' }),
  createdAt: moment,
  state: z.enum(['active', 'failing', 'unreadable', 'disabled']),
  problem: z.string().nullable().meta({
    description: 'Why nothing can be posted (`unreadable`); the events wait until the problem is solved',
  }),
  lastDeliveredAt: moment.nullable(),
  failingSince: moment.nullable(),
  lastError: z.string().nullable(),
  disabledAt: moment.nullable(),
  disabledReason: z.string().nullable(),
  previousSecretUntil: moment
    .nullable()
    .meta({ description: 'The end of the time after a rotation in which the previous secret also signs' }),
});
export type SubscriptionView = z.infer<typeof subscriptionShape>;

const exampleSubscription: SubscriptionView = {
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

export const subscription = named('Subscription', subscriptionShape, exampleSubscription);

/** The answer to a new subscription or a rotation, the only one that shows the secret. */
export const subscriptionWithSecret = named(
  'SubscriptionWithSecret',
  subscriptionShape.extend({
    secret: z.string().meta({ description: '`whsec_...`, see standardwebhooks.com' }),
  }),
  {
    ...exampleSubscription,
    secret: 'whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwganVzdCB0ZXh0ISE=',
  },
);

/** `POST /v1/subscriptions/:id/test`: the result of the test post. */
export const sampleResult = named(
  'SampleResult',
  z.object({
    delivered: z.boolean(),
    status: z.int().nullable(),
    error: z.string().nullable(),
  }),
  { delivered: true, status: 204, error: null },
);

/** `GET /v1/subscriptions/:id/deliveries`: one event for a subscription. */
export const notificationDelivery = named(
  'NotificationDelivery',
  z.object({
    id: z.string(),
    event: z.string().meta({ description: '`evt_...`, the `webhook-id` of each post' }),
    type: z
      .enum(eventTypes)
      .nullable()
      .meta({ description: 'Null for some events that older versions have posted' }),
    createdAt: moment,
    state: z.enum(['waiting', 'delivered', 'given up']),
    attempts: z.int(),
    nextAttemptAt: moment.nullable().meta({ description: 'May be later while the receiver is down' }),
    settledAt: moment.nullable(),
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
    history: z
      .array(
        z.object({
          at: moment,
          status: z.int().nullable().meta({ description: 'Null if there was no response' }),
          error: z.string().nullable(),
          durationMs: z.int(),
          answer: z.string().nullable().meta({ description: 'The beginning of the response body' }),
        }),
      )
      .meta({ description: 'The last 20 attempts, oldest first' }),
    payload: event.nullable().meta({
      description: 'The body as it would be posted now; null if it was erased or is no longer kept',
    }),
  }),
  {
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
    payload: exampleEvent,
  },
);
export type NotificationDeliveryView = z.infer<typeof notificationDelivery>;

/** `POST /v1/subscriptions/:id/resend` */
export const resendResult = named(
  'ResendResult',
  z.object({
    count: z.int().meta({ description: 'The number of events that are posted again' }),
    next: moment.nullable().meta({ description: 'The `from` of the next call, if there are more events' }),
  }),
  { count: 12, next: null },
);
