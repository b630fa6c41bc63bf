import { z } from 'zod';

import { moment } from './media.js';
import { named } from './named.js';

/** `GET /v1/channels/{id}/connection`: what the provider knows about the webhook of a channel. */
export const connection = named(
  'Connection',
  z.object({
    supported: z
      .boolean()
      .meta({ description: 'Whether the API of the provider can be asked, and told the address' }),
    reason: z.string().nullable().meta({ description: 'Why not; null if it is supported' }),
    url: z
      .string()
      .nullable()
      .meta({ description: 'The address that the provider calls, without its query; null if there is none' }),
    isConnected: z.boolean().nullable().meta({
      description:
        'Whether that is the address of this channel, with everything that the channel needs; null if it is unknown',
    }),
    pending: z
      .int()
      .nullable()
      .meta({ description: 'Events that wait at the provider; null if the provider does not tell' }),
    lastError: z
      .object({ message: z.string(), at: moment.nullable() })
      .nullable()
      .meta({ description: 'What the provider reports as failing, such as its last call of the webhook' }),
    notes: z
      .array(z.string())
      .meta({ description: 'What else an administrator should know, one sentence each' }),
  }),
  {
    supported: true,
    reason: null,
    url: 'https://inlet.example.com/webhooks/z-api-2',
    isConnected: true,
    pending: null,
    lastError: null,
    notes: ['Pictures that are sent from the phone do not arrive, because "notify sent by me" is off.'],
  },
);
export type ConnectionView = z.infer<typeof connection>;
