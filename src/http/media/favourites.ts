/** Favourites: media that a user, or a token that no user owns, has starred. */
import { z } from 'zod';

import { ownerOf } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { byId, idList } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { favouriteList } from '../shapes/media.js';
import { findVisible, noSuchMedia } from './visible.js';

type Services = Pick<RouteServices, 'favourites' | 'lookup'>;

/** The most media that one call asks about. */
const maxAsked = 200;

export const addFavourite = route(
  {
    method: 'put',
    path: '/v1/media/{id}/favourite',
    scope: 'media:read',
    operationId: 'addFavourite',
    summary: 'Star a media item',
    description:
      'A favourite belongs to the user who is signed in or owns the token; without a user, to the token. It is erased with the media item and with the user. A repeated call changes nothing.',
    params: byId,
    notFound: noSuchMedia,
    answers: { 204: { description: 'It is a favourite' } },
    errors: ['media.not_found', 'media.erased'],
  },
  ({ favourites, lookup }: Services) =>
    async ({ params, access }) => {
      const { id } = await findVisible(lookup, params.id, access);
      if (await favourites.add(ownerOf(access), id)) return undefined;
      const { state } = await findVisible(lookup, id, access);
      if (state === 'erased') throw new AppError('media.erased', 'the media item was erased');
      return undefined;
    },
);

export const removeFavourite = route(
  {
    method: 'delete',
    path: '/v1/media/{id}/favourite',
    scope: 'media:read',
    operationId: 'removeFavourite',
    summary: 'Remove the star of a media item',
    params: byId,
    notFound: noSuchMedia,
    answers: { 204: { description: 'It is no favourite' } },
    errors: ['media.not_found'],
  },
  ({ favourites, lookup }: Services) =>
    async ({ params, access }) => {
      const { id } = await findVisible(lookup, params.id, access);
      await favourites.remove(ownerOf(access), id);
      return undefined;
    },
);

export const listFavourites = route(
  {
    method: 'get',
    path: '/v1/favourites',
    scope: 'media:read',
    operationId: 'listFavourites',
    summary: 'Find out which of some media are favourites',
    description: 'Media as such are listed by `GET /v1/media?favourite=true`.',
    query: z.strictObject({
      ids: idList(maxAsked).meta({ description: `Up to ${String(maxAsked)} ids with commas between them` }),
    }),
    answers: { 200: { description: 'The ids of the favourites', schema: favouriteList } },
  },
  ({ favourites }: Pick<Services, 'favourites'>) =>
    async ({ query, access }) => ({ items: await favourites.among(ownerOf(access), query.ids) }),
);
