/** The request that Inlet makes to a subscription, for the document: the receiver is described like a route of its own. */
import { z } from 'zod';

import { event } from '../shapes/event.js';

export const eventWebhook = {
  name: 'event',
  operationId: 'receiveEvent',
  summary: 'Inlet posts an event to the URL of a subscription',
  description:
    'Signed as in the Standard Webhooks specification (standardwebhooks.com) with the secret of the subscription. Any answer of 2xx takes the event; any other is retried with growing pauses for 3 days. The same event may come more than once and keeps its `webhook-id`.',
  headers: z.object({
    'webhook-id': z.string().meta({ description: '`evt_...`; the same for each attempt at the event' }),
    'webhook-timestamp': z.string().meta({ description: 'When it was posted, in seconds since 1970' }),
    'webhook-signature': z.string().meta({
      description: '`v1,` and a signature in Base64; after a rotation several, with spaces between',
    }),
  }),
  body: event,
  answers: {
    '2XX': { description: 'The receiver has taken the event' },
    410: { description: 'The receiver is gone: Inlet disables the subscription' },
  },
} as const;
