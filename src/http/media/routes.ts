/** Lists and shows media, creates signed links, and retries downloads. */
import { z } from 'zod';

import { ownerOf, visibleChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { mediaStates, previewSizes } from '../../domain/media.js';
import { directions, mediaKinds } from '../../domain/provider.js';
import type { MediaFilter } from '../../infra/tables/media/filter.js';
import { byId, cursor, encodeCursor, moment, pageLimit, searchText } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { link, media as mediaShape } from '../shapes/media.js';
import { pageOf } from '../shapes/page.js';
import { contentPath, mediaView, previewPath } from '../views/media.js';
import { createSettledMedia, type SettledMediaServices } from './settled.js';
import { findVisible, noSuchMedia } from './visible.js';

const text = searchText(255);

const mediaQuery = z.strictObject({
  channel: text.optional(),
  provider: text.optional(),
  direction: z.enum(directions).optional(),
  kind: z.enum(mediaKinds).optional(),
  state: z.enum(mediaStates).optional(),
  from: text.optional().meta({ description: 'The person, as in `message.from`' }),
  chat: text.optional().meta({ description: 'The group or conversation' }),
  messageId: text.optional().meta({ description: "The provider's own id" }),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'must have 64 hexadecimal digits')
    .toLowerCase()
    .optional(),
  tag: searchText(64).optional().meta({ description: 'A whole tag; case and accents are ignored' }),
  resolved: z
    .enum(['true', 'false'])
    .transform((word) => word === 'true')
    .optional()
    .meta({ description: 'Whether somebody said that it needs no attention any more' }),
  favourite: z
    .literal('true')
    .transform(() => true)
    .optional()
    .meta({ description: 'Only the favourites of the caller' }),
  since: moment.optional().meta({ description: 'By time of receipt' }),
  until: moment.optional().meta({ description: 'By time of receipt, exclusive' }),
  q: searchText(200).optional().meta({
    description:
      'A part of the caption, of the file name, of a tag, of the words of a fact, or of the name or number of the person or the group, such as `+55 (11) 90000-0123`; case and accents are ignored. Without three letters or digits in a row, one request looks through 2,000 media',
  }),
  limit: pageLimit,
  cursor: cursor.optional(),
});

/** The filters of lists of media, without the page. */
export const mediaFilters = mediaQuery.omit({ limit: true, cursor: true });

/** What a token demands of media that it filters. */
export function mediaFilterOf(
  { channel, favourite, ...rest }: z.infer<typeof mediaFilters>,
  access: Access,
): MediaFilter {
  const favouriteOf = favourite ? ownerOf(access).id : undefined;
  return { ...rest, favouriteOf, channels: visibleChannels(access, channel) };
}

const waitQuery = z.strictObject({
  wait: z.coerce
    .number()
    .min(0)
    .max(30)
    .default(0)
    .meta({ description: 'How many seconds to wait until it is no longer `pending`' }),
});

const linkRequest = z.strictObject({
  expiresIn: z
    .number()
    .int()
    .min(1)
    .max(30 * 86_400)
    .default(3_600)
    .meta({ description: 'Seconds' }),
  size: z
    .enum(previewSizes)
    .nullish()
    .meta({ description: 'The size of a preview; by default, the link leads to the file itself' }),
});

export const listMedia = route(
  {
    method: 'get',
    path: '/v1/media',
    scope: 'media:read',
    operationId: 'listMedia',
    summary: 'List media, newest first',
    query: mediaQuery,
    answers: { 200: { description: 'A page of media', schema: pageOf(mediaShape) } },
  },
  ({ lookup }: Pick<RouteServices, 'lookup'>) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after, ...filters } = query;
      const filter = mediaFilterOf(filters, access);
      const { items, next } = await lookup.listMedia(filter, { limit: size, after });
      return { items: items.map(mediaView), nextCursor: next === undefined ? null : encodeCursor(next) };
    },
);

export const getMedia = route(
  {
    method: 'get',
    path: '/v1/media/{id}',
    scope: 'media:read',
    // A waiting request does not occupy a place among the requests that are answered immediately.
    limit: (request) => (request.query['wait'] === undefined ? 'read' : 'listen'),
    operationId: 'getMedia',
    summary: 'Get a media item, immediately or when it is no longer pending',
    params: byId,
    notFound: noSuchMedia,
    query: waitQuery,
    answers: { 200: { description: 'The media item', schema: mediaShape } },
    errors: ['media.not_found'],
  },
  (services: SettledMediaServices & Pick<RouteServices, 'lookup'>) => {
    const settled = createSettledMedia(services);
    return async ({ params, query, access, response }) => {
      const waitMs = query.wait * 1000;
      const media =
        waitMs > 0
          ? await settled(params.id, { access, response, waitMs })
          : await findVisible(services.lookup, params.id, access);
      return mediaView(media);
    };
  },
);

export const createMediaLink = route(
  {
    method: 'post',
    path: '/v1/media/{id}/link',
    scope: 'media:read',
    operationId: 'createMediaLink',
    summary: 'Create a signed link that needs no token',
    params: byId,
    notFound: noSuchMedia,
    body: linkRequest,
    bodyOptional: true,
    answers: { 200: { description: 'The link and its expiry', schema: link } },
    errors: ['media.not_found', 'media.erased'],
  },
  ({ links, lookup, now, publicUrl }: Pick<RouteServices, 'links' | 'lookup' | 'now' | 'publicUrl'>) =>
    async ({ params, body, access }) => {
      const { expiresIn, size } = body;
      const media = await findVisible(lookup, params.id, access);
      if (media.state === 'erased') throw new AppError('media.erased', 'the media item was erased');
      const expiresAt = new Date(now().getTime() + expiresIn * 1000);
      const path = size ? previewPath(media.id, size) : contentPath(media.id);
      const signed = links.sign(path, expiresAt).toString();
      return {
        url: `${publicUrl}${path}${size ? '&' : '?'}${signed}`,
        expiresAt: expiresAt.toISOString(),
      };
    },
);

export const retryMedia = route(
  {
    method: 'post',
    path: '/v1/media/{id}/retry',
    scope: 'media:manage',
    operationId: 'retryMedia',
    summary: 'Retry a media item that is rejected or failed',
    params: byId,
    notFound: noSuchMedia,
    answers: { 202: { description: 'The media item, which is pending again', schema: mediaShape } },
    errors: ['media.not_found', 'media.not_retryable'],
  },
  ({ audit, lookup, mediaTable, now }: Pick<RouteServices, 'audit' | 'lookup' | 'mediaTable' | 'now'>) =>
    async ({ params, access }) => {
      const { id: target, channel, state } = await findVisible(lookup, params.id, access);
      const entry = { actor: access.tokenId, action: 'media.retry', channel, target };
      const isDone = await mediaTable.retryNow(target, now(), (connection) =>
        audit.record(entry, connection),
      );
      if (!isDone) {
        throw new AppError(
          'media.not_retryable',
          `a media item that is ${state} or has no address cannot be downloaded again`,
        );
      }
      return mediaView(await findVisible(lookup, target, access));
    },
);
