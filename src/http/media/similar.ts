/** Media that look like another one: the same photo, sent again. */
import { z } from 'zod';

import { visibleChannels } from '../../domain/access.js';
import { byId } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { similarMedia } from '../shapes/media.js';
import { mediaView } from '../views/media.js';
import { findVisible, noSuchMedia } from './visible.js';

export const listSimilarMedia = route(
  {
    method: 'get',
    path: '/v1/media/{id}/similar',
    scope: 'media:read',
    operationId: 'listSimilarMedia',
    summary: 'List media with the same picture, also if it was scaled or compressed again',
    description:
      'The nearest 50, those with the same bytes first. Pictures are compared by a hash that is made with their previews: turned or cropped copies are not found, nor are pictures without contrast.',
    params: byId,
    notFound: noSuchMedia,
    answers: { 200: { description: 'The media', schema: z.object({ items: z.array(similarMedia) }) } },
    errors: ['media.not_found'],
  },
  ({ findSimilar, lookup }: Pick<RouteServices, 'findSimilar' | 'lookup'>) =>
    async ({ params, access }) => {
      const { id, sha256 } = await findVisible(lookup, params.id, access);
      if (sha256 === null) return { items: [] };
      const similar = await findSimilar({ id, sha256 }, visibleChannels(access, undefined));
      const found = new Map(
        (await lookup.mediaByIds(similar.map((one) => one.id))).map((media) => [media.id, media]),
      );
      return {
        items: similar.flatMap((one) => {
          const media = found.get(one.id);
          return media ? [{ distance: one.distance, media: mediaView(media) }] : [];
        }),
      };
    },
);
