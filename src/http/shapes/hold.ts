/** The shapes of legal holds. */
import { z } from 'zod';

import { holdTypes } from '../../domain/hold.js';
import { moment } from './media.js';
import { named } from './named.js';

export const hold = named(
  'Hold',
  z.object({
    id: z.uuid(),
    type: z.enum(holdTypes),
    channel: z.string().nullable().meta({ description: 'Null: a tag in all channels' }),
    subject: z.string().meta({ description: 'The id of the person or the chat, the tag, or the media item' }),
    ids: z.array(z.string()).meta({
      description:
        'What the subject is compared with. Of a person the ids that were known when the hold began; later ones are followed as well',
    }),
    reason: z.string(),
    createdAt: moment,
    createdBy: z.string().meta({ description: 'The id of the token' }),
    createdByName: z.string().nullable(),
  }),
  {
    id: '019aa5f4-0c52-7f1e-9d0b-3d5c1a7b8e20',
    type: 'person',
    channel: 'z-api',
    subject: '5511999990000',
    ids: ['5511999990000', '551199990000'],
    reason: 'Case 4711: claim for damages',
    createdAt: '2026-11-21T10:00:00.000Z',
    createdBy: '019aa5e0-52f0-7cc3-b5d2-64d21f0a5e10',
    createdByName: 'claims',
  },
);
export type HoldView = z.infer<typeof hold>;
