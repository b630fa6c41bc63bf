/** The shape of saved views. */
import { z } from 'zod';

import { moment } from './media.js';
import { named } from './named.js';

export const savedView = named(
  'SavedView',
  z.object({
    id: z.uuid(),
    name: z.string(),
    filters: z
      .record(z.string(), z.string())
      .meta({ description: 'Parameters of `GET /v1/media`, as texts; times are ISO 8601 in UTC' }),
    shared: z.boolean().meta({ description: 'Whether everybody sees it' }),
    own: z.boolean().meta({ description: 'Whether it belongs to the caller' }),
    createdAt: moment,
  }),
  {
    id: '019aa5f8-6d0e-7c11-a2b4-5f9e1d3c7a60',
    name: 'Invoices of the shop',
    filters: { channel: 'z-api', kind: 'document', q: 'invoice' },
    shared: false,
    own: true,
    createdAt: '2026-11-21T10:00:00.000Z',
  },
);
export type SavedViewView = z.infer<typeof savedView>;
