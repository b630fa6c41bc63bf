/** The shapes of shares. */
import { z } from 'zod';

import { exampleId, moment } from './media.js';
import { named } from './named.js';

export const shareStates = ['active', 'expired', 'revoked'] as const;

const shareShape = z.object({
  id: z.uuid(),
  title: z.string().nullable(),
  state: z.enum(shareStates),
  media: z
    .array(z.uuid().nullable())
    .meta({ description: 'The media in the order of the page; null for one that was erased' }),
  hasPassword: z.boolean(),
  createdAt: moment,
  createdBy: z.string().meta({ description: 'The id of the token' }),
  expiresAt: moment,
  revokedAt: moment.nullable(),
  views: z.int().meta({ description: 'How often a browser has opened the page' }),
  lastViewedAt: moment.nullable(),
});

const example: z.infer<typeof shareShape> = {
  id: '019aa5f1-3b10-7d40-8a51-6f0c2b7d9e11',
  title: 'Photos of the delivery',
  state: 'active',
  media: [exampleId],
  hasPassword: false,
  createdAt: '2026-11-21T10:00:00.000Z',
  createdBy: '019aa5e0-52f0-7cc3-b5d2-64d21f0a5e10',
  expiresAt: '2026-11-28T10:00:00.000Z',
  revokedAt: null,
  views: 3,
  lastViewedAt: '2026-11-21T12:30:00.000Z',
};

export const share = named('Share', shareShape, example);
export type ShareView = z.infer<typeof share>;

export const shareWithLink = named(
  'ShareWithLink',
  shareShape.extend({ url: z.url().meta({ description: 'The link; only this answer contains it' }) }),
  { ...example, url: 'https://inlet.example.com/shared/Jb0vQm3kYt9sXw2aLr7cPe5nHf1uDz8G' },
);
