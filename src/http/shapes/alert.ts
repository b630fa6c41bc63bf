/** The shape of alerts that last. */
import { z } from 'zod';

import { alertTypes } from '../../domain/event.js';
import { moment } from './media.js';
import { named } from './named.js';

export const alert = named(
  'Alert',
  z.object({
    id: z.uuid(),
    type: z.enum(alertTypes),
    subject: z
      .string()
      .meta({ description: 'The channel, the id of the subscription, or a part of the service' }),
    channel: z.string().nullable().meta({ description: 'Null for an alert about the service as a whole' }),
    since: moment,
    message: z.string().meta({ description: 'A sentence for the operator' }),
  }),
  {
    id: '019aa5fb-2c1e-7a40-8f3d-0e6b5d4c3a21',
    type: 'alert.channel_silent',
    subject: 'z-api',
    channel: 'z-api',
    since: '2026-11-20T10:00:00.000Z',
    message: 'the channel has received nothing since 2026-11-20T10:00:00.000Z',
  },
);
export type AlertView = z.infer<typeof alert>;
