/** Shapes of answers about messages and raw webhooks. */
import { z } from 'zod';

import { directions, messageStatuses } from '../../domain/provider.js';
import { outcomes } from '../../infra/tables/inbox/entry.js';
import { failure, media, messageFacts, moment } from './media.js';

export const message = messageFacts.extend({
  channel: z.string(),
  provider: z.string(),
  direction: z.enum(directions),
  receivedAt: moment,
  status: z.enum(messageStatuses).nullable(),
  statusAt: moment.nullable(),
  error: failure.nullable(),
  media: z.array(media),
});
export type MessageView = z.infer<typeof message>;

export const deliverySummary = z.object({
  id: z.uuid(),
  channel: z.string(),
  provider: z.string(),
  outcome: z.enum(outcomes),
  reason: z.string().nullable(),
  receivedAt: moment,
  erasedAt: moment.nullable(),
});
export type DeliverySummaryView = z.infer<typeof deliverySummary>;

export const delivery = deliverySummary.extend({
  headers: z.record(z.string(), z.string()),
  body: z.string().meta({ description: 'As it came; empty once erased' }),
});
export type DeliveryView = z.infer<typeof delivery>;

export const receipt = z.object({
  delivery: z.uuid(),
  outcome: z.enum(outcomes),
  duplicate: z.boolean(),
  media: z.array(z.uuid()),
});
