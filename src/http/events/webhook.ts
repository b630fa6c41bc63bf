/** The request to the URL of a subscription. The document describes the receiver like a route. */
import { z } from 'zod';

import { event } from '../shapes/event.js';

export const eventWebhook = {
  name: 'event',
  operationId: 'receiveEvent',
  summary: 'Inlet posts an event to the URL of a subscription',
  description:
    'Signed as in the Standard Webhooks specification (standardwebhooks.com) with the secret of the subscription. The receiver accepts the event with any 2xx status; after any other response, Inlet retries with growing delays for 3 days. An event may arrive more than once, with the same `webhook-id`.',
  headers: z.object({
    'webhook-id': z.string().meta({ description: '`evt_...`, the same in each attempt' }),
    'webhook-timestamp': z.string().meta({ description: 'The time of the post, in seconds since 1970' }),
    'webhook-signature': z.string().meta({
      description: '`v1,` and a signature in Base64; after a rotation several, separated by spaces',
    }),
  }),
  body: event,
  answers: {
    '2XX': { description: 'The receiver has accepted the event' },
    410: { description: 'The receiver no longer exists: Inlet disables the subscription' },
  },
} as const;
