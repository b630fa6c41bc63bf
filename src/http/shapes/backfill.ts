import { z } from 'zod';

import { named } from './named.js';

/** `POST /v1/channels/{id}/backfill`: the messages that were fetched. */
export const backfill = named(
  'Backfill',
  z.object({
    found: z.int().meta({ description: 'Messages with media that the provider has listed' }),
    stored: z
      .int()
      .meta({ description: 'Those whose webhooks had not arrived; their media are downloaded now' }),
    failed: z.int().meta({
      description:
        'Those whose media the provider refuses to list, for instance because they were deleted meanwhile; another call asks again',
    }),
    complete: z.boolean().meta({
      description:
        'False if there was no time for everything: call again with `until` of this answer, and the rest is fetched',
    }),
    until: z.string().nullable().meta({
      description:
        'The end of the period that is left; null if nothing is left, or if the provider gives no times',
    }),
  }),
  { found: 214, stored: 3, failed: 0, complete: true, until: null },
);
