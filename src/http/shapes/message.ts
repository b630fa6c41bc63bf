/** Shapes of answers about messages and raw webhooks. */
import { z } from 'zod';

import { directions, messageStatuses } from '../../domain/provider.js';
import { outcomes } from '../../domain/receipt.js';
import {
  exampleDeliveryId,
  exampleFacts,
  exampleId,
  exampleMedia,
  failure,
  media,
  messageFacts,
  moment,
} from './media.js';
import { named } from './named.js';

export const message = named(
  'Message',
  messageFacts.extend({
    channel: z.string(),
    provider: z.string(),
    direction: z.enum(directions),
    receivedAt: moment,
    status: z.enum(messageStatuses).nullable(),
    statusAt: moment.nullable(),
    error: failure.nullable(),
    media: z.array(media),
  }),
  {
    channel: 'z-api',
    provider: 'z-api',
    direction: 'inbound',
    ...exampleFacts,
    receivedAt: exampleMedia.receivedAt,
    status: null,
    statusAt: null,
    error: null,
    media: [exampleMedia],
  },
);
export type MessageView = z.infer<typeof message>;

const summaryShape = z.object({
  id: z.uuid(),
  channel: z.string(),
  provider: z.string(),
  outcome: z.enum(outcomes),
  reason: z.string().nullable(),
  receivedAt: moment,
  erasedAt: moment.nullable(),
});
export type DeliverySummaryView = z.infer<typeof summaryShape>;

const exampleSummary: DeliverySummaryView = {
  id: exampleDeliveryId,
  channel: 'z-api',
  provider: 'z-api',
  outcome: 'accepted',
  reason: null,
  receivedAt: '2026-11-21T10:00:00.608Z',
  erasedAt: null,
};

export const deliverySummary = named('DeliverySummary', summaryShape, exampleSummary);

export const delivery = named(
  'Delivery',
  summaryShape.extend({
    headers: z.record(z.string(), z.string()),
    body: z.string().meta({ description: 'Unchanged; empty after erasure' }),
  }),
  {
    ...exampleSummary,
    headers: { 'content-type': 'application/json' },
    body: '{"type":"ReceivedCallback","messageId":"3EB0A1B2C3D4E5F60718"}',
  },
);
export type DeliveryView = z.infer<typeof delivery>;

export const receipt = named(
  'Receipt',
  z.object({
    delivery: z.uuid(),
    outcome: z.enum(outcomes),
    duplicate: z.boolean(),
    media: z.array(z.uuid()),
  }),
  { delivery: exampleDeliveryId, outcome: 'accepted', duplicate: false, media: [exampleId] },
);
