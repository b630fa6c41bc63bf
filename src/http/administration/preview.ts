/** Tries settings of a channel with a webhook, before there is a channel. */
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { preview } from '../shapes/preview.js';
import { previewView } from '../views/preview.js';
import { settingValues } from './channels.js';

export const previewWebhook = route(
  {
    method: 'post',
    path: '/v1/providers/{provider}/preview',
    scope: 'admin',
    // A payload may contain a file.
    limit: 'upload',
    operationId: 'previewWebhook',
    summary: 'Show what a channel with these settings would make of a webhook',
    description:
      'Nothing is stored, and the sender needs no proof. For custom channels: the events of the expression, or why it fails.',
    params: z.object({ provider: z.string() }),
    notFound: () => new AppError('request.not_found', 'there is no such provider'),
    body: z.strictObject({
      settings: settingValues.default({}),
      payload: z.string().meta({ description: 'The body of a webhook' }),
      contentType: z
        .string()
        .max(255)
        .optional()
        .meta({ description: 'The header `Content-Type` of the webhook' }),
    }),
    answers: { 200: { description: 'The events, or what is wrong', schema: preview } },
    errors: ['request.not_found'],
  },
  ({ preview: previewOf }: Pick<RouteServices, 'preview'>) =>
    async ({ params: { provider }, body }) =>
      previewView(await previewOf({ provider, ...body })),
);
