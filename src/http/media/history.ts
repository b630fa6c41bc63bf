import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import type { Lookup, MediaHistoryRecord, MediaRecord } from '../../infra/tables/media/lookup.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { mediaHistory, type MediaHistory } from '../shapes/media.js';
import { findVisible } from './visible.js';

export const mediaHistoryApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/media/{id}/history',
    scope: 'media:read',
    summary: 'Get the history of a media item',
    description: 'The raw delivery that brought it, and every attempt to fetch it, oldest first.',
    params: z.object({ id: z.uuid() }),
    answers: { 200: { description: 'Its history', schema: mediaHistory } },
    errors: ['media.not_found'],
  },
];

export function mediaHistoryRoutes(
  services: { readonly lookup: Lookup; readonly tokens: Tokens },
  limit: RequestHandler,
): Router {
  const router = Router();
  router.get(
    '/v1/media/:id/history',
    authenticate(services.tokens, 'media:read'),
    limit,
    async (request: Request, response: Response) => {
      const media = await findVisible(services, request, response);
      response.json(historyView(media, await services.lookup.mediaHistory(media.id)));
    },
  );
  router.all('/v1/media/:id/history', allowOnly('GET, HEAD'));
  return router;
}

function historyView(media: MediaRecord, { delivery, attempts }: MediaHistoryRecord): MediaHistory {
  return {
    receivedAt: media.receivedAt.toISOString(),
    delivery,
    attempts: attempts.map(({ at, errorCode, errorMessage }) => ({
      at: at.toISOString(),
      error: errorCode === null ? null : { code: errorCode, message: errorMessage },
    })),
    readyAt: media.readyAt?.toISOString() ?? null,
    deletedBySenderAt: media.deletedBySenderAt?.toISOString() ?? null,
    erasedAt: media.erasedAt?.toISOString() ?? null,
    nextAttemptAt: media.nextAttemptAt?.toISOString() ?? null,
  };
}
