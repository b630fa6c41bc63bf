import type { MediaHistoryRecord, MediaRecord } from '../../infra/tables/media/lookup.js';
import { byId } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { mediaHistory, type MediaHistory } from '../shapes/media.js';
import { findVisible, noSuchMedia } from './visible.js';

export const getMediaHistory = route(
  {
    method: 'get',
    path: '/v1/media/{id}/history',
    scope: 'media:read',
    operationId: 'getMediaHistory',
    summary: 'Get the history of a media item',
    description: 'The raw delivery that contained it, and every attempt to download it, oldest first.',
    params: byId,
    notFound: noSuchMedia,
    answers: { 200: { description: 'The history', schema: mediaHistory } },
    errors: ['media.not_found'],
  },
  ({ lookup }: Pick<RouteServices, 'lookup'>) =>
    async ({ params, access }) => {
      const media = await findVisible(lookup, params.id, access);
      return historyView(media, await lookup.mediaHistory(media.id));
    },
);

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
