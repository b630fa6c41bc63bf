/** The shape of the report about one media item. */
import { z } from 'zod';

import { holdTypes } from '../../domain/hold.js';
import { messageStatuses } from '../../domain/provider.js';
import { auditEntry } from './administration.js';
import { exampleDeliveryId, exampleId, exampleMedia, failure, media, moment } from './media.js';
import { named } from './named.js';

const fileChecks = ['same', 'different', 'missing'] as const;

/** `GET /v1/media/:id/evidence` as JSON. */
export const evidence = named(
  'Evidence',
  z.object({
    reportedAt: moment,
    version: z.string().meta({ description: 'Of the service' }),
    media,
    hash: z
      .object({
        sha256: z.string(),
        computedAt: moment.nullable().meta({
          description: 'The hash was computed while the file arrived, and stored at this time',
        }),
        check: z.enum(fileChecks).meta({
          description: 'Whether the stored file had the same hash when the report was made',
        }),
      })
      .nullable()
      .meta({ description: 'Null if no file is stored' }),
    attempts: z.array(z.object({ at: moment, error: failure.nullable() })),
    deliveries: z
      .array(
        z.object({
          id: z.uuid(),
          sha256: z.string().meta({ description: 'Of the body of the webhook, as it was received' }),
          outcome: z.string(),
          receivedAt: moment,
          erasedAt: moment.nullable(),
        }),
      )
      .meta({ description: 'The webhooks that brought the message and its link, as long as they are kept' }),
    statuses: z.array(
      z.object({
        status: z.enum([...messageStatuses, 'unknown']),
        at: moment.nullable(),
        receivedAt: moment,
      }),
    ),
    copies: z
      .object({
        count: z.int().meta({ description: 'Other media with the same bytes, ten thousand at most' }),
        first: z.object({ id: z.uuid(), channel: z.string(), receivedAt: moment }).nullable(),
      })
      .meta({ description: 'In the channels that the token has access to' }),
    holds: z.array(
      z.object({
        id: z.uuid(),
        type: z.enum(holdTypes),
        createdAt: moment,
        createdByName: z.string().nullable(),
      }),
    ),
    audit: z
      .array(auditEntry)
      .meta({ description: 'What was done to the media item, newest first, 200 entries at most' }),
    meaning: z.string().meta({ description: 'What the hashes prove, and what they do not' }),
  }),
  {
    reportedAt: '2026-11-22T09:00:00.000Z',
    version: '1.0.0',
    media: exampleMedia,
    hash: { sha256: exampleMedia.sha256 ?? '', computedAt: exampleMedia.readyAt, check: 'same' },
    attempts: [{ at: '2026-11-21T10:00:00.959Z', error: null }],
    deliveries: [
      {
        id: exampleDeliveryId,
        sha256: '9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab',
        outcome: 'accepted',
        receivedAt: exampleMedia.receivedAt,
        erasedAt: null,
      },
    ],
    statuses: [],
    copies: { count: 1, first: { id: exampleId, channel: 'z-api', receivedAt: '2026-11-20T08:12:00.000Z' } },
    holds: [],
    audit: [],
    meaning: 'A hash proves that the bytes have not changed since it was computed.',
  },
);
export type EvidenceView = z.infer<typeof evidence>;
