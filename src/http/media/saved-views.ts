/** Saved views: named sets of filters of the list of media. */
import { z } from 'zod';

import { allows, ownerOf, seesChannel, visibleChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { maxViewsOfOwner, type SavedView } from '../../infra/tables/saved-views.js';
import { byId } from '../input.js';
import { requireScope } from '../middleware/authenticate.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { listOf } from '../shapes/page.js';
import { savedView, type SavedViewView } from '../shapes/saved-view.js';
import { mediaFilters } from './routes.js';

type Services = Pick<RouteServices, 'savedViews'>;

const viewRequest = z.strictObject({
  name: z.string().trim().min(1).max(80),
  filters: mediaFilters
    .refine((filters) => Object.values(filters).some((value) => value !== undefined), {
      error: 'must have a filter',
    })
    .meta({ description: 'Parameters of `GET /v1/media`, without those of the page' }),
  shared: z.boolean().default(false).meta({ description: 'Whether everybody sees it; needs `media:manage`' }),
});

export const listViews = route(
  {
    method: 'get',
    path: '/v1/views',
    scope: 'media:read',
    operationId: 'listViews',
    summary: 'List the saved views of the caller and those that are shared, by name',
    description:
      'A caller who is limited to channels sees shared views of these channels, and those that name neither a channel nor a person nor words.',
    answers: { 200: { description: 'The views, 500 at most', schema: listOf(savedView) } },
  },
  ({ savedViews }: Services) =>
    async ({ access }) => {
      const found = await savedViews.list(ownerOf(access), access.channels ?? undefined);
      return { items: found.map(savedViewView) };
    },
);

export const saveView = route(
  {
    method: 'post',
    path: '/v1/views',
    scope: 'media:read',
    operationId: 'saveView',
    summary: 'Save filters of the list of media under a name',
    description: `A view belongs to the user who is signed in or owns the token; without a user, to the token. It replaces the view of the same name. An owner has at most ${String(maxViewsOfOwner)}; they are erased with the user.`,
    body: viewRequest,
    answers: { 200: { description: 'The view', schema: savedView } },
    errors: ['view.too_many'],
  },
  ({ savedViews, now }: Services & Pick<RouteServices, 'now'>) =>
    async ({ body: { name, filters, shared }, access }) => {
      if (shared) requireShareable(access, filters.channel);
      const view = { id: newId(), name, filters: textsOf(filters), shared, createdAt: now() };
      const saved = await savedViews.save(ownerOf(access), view);
      if (saved) return savedViewView(saved);
      throw new AppError(
        'view.too_many',
        `there are ${String(maxViewsOfOwner)} views already; delete or replace one of them`,
      );
    },
);

export const deleteView = route(
  {
    method: 'delete',
    path: '/v1/views/{id}',
    scope: 'media:read',
    operationId: 'deleteView',
    summary: 'Delete a saved view',
    description: 'Shared views of others need `media:manage`.',
    params: byId,
    notFound: noSuchView,
    answers: { 204: { description: 'The view is deleted' } },
    errors: ['view.not_found'],
  },
  ({ savedViews }: Services) =>
    async ({ params, access }) => {
      const isDone = await savedViews.remove(ownerOf(access), params.id, {
        anyShared: allows(access, 'media:manage'),
        channels: visibleChannels(access, undefined),
      });
      if (!isDone) throw noSuchView();
      return undefined;
    },
);

/** For the caller, channels that the caller does not see do not exist. */
function requireShareable(access: Access, channel: string | undefined): void {
  requireScope(access, 'media:manage');
  if (channel !== undefined && !seesChannel(access, channel))
    throw AppError.ofFields('request.invalid', [
      { field: 'filters.channel', message: 'there is no such channel' },
    ]);
}

/** The filters as a query has them. */
function textsOf(filters: z.infer<typeof mediaFilters>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value instanceof Date ? value.toISOString() : String(value)]],
    ),
  );
}

function savedViewView({ id, name, filters, shared, isOwn, createdAt }: SavedView): SavedViewView {
  return { id, name, filters: { ...filters }, shared, own: isOwn, createdAt: createdAt.toISOString() };
}

function noSuchView(): AppError {
  return new AppError('view.not_found', 'there is no such view');
}
