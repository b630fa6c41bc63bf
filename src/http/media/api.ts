/** What may be asked about media, and how it is answered. */
import { z } from 'zod';

import { mediaStates, previewSizes } from '../../domain/media.js';
import { directions, mediaKinds } from '../../domain/provider.js';
import type { ApiRoute } from '../api-route.js';
import { byId, cursor, moment, pageLimit, searchText } from '../input.js';
import { link, media } from '../shapes/media.js';
import { pageOf } from '../shapes/page.js';

const text = searchText(255);

export const mediaQuery = z.strictObject({
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
    .regex(/^[0-9a-fA-F]{64}$/, 'is not 64 hex digits')
    .toLowerCase()
    .optional(),
  since: moment.optional().meta({ description: 'By time of receipt' }),
  until: moment.optional().meta({ description: 'By time of receipt, exclusive' }),
  q: searchText(200).optional().meta({ description: 'Part of the caption, in any case' }),
  limit: pageLimit,
  cursor: cursor.optional(),
});

export const waitQuery = z.strictObject({
  wait: z.coerce
    .number()
    .min(0)
    .max(30)
    .default(0)
    .meta({ description: 'Seconds to wait until it is no longer `pending`' }),
});

export const previewQuery = z.object({ size: z.enum(previewSizes).default('small') });

export const linkRequest = z.strictObject({
  expiresIn: z
    .number()
    .int()
    .min(1)
    .max(30 * 86_400)
    .default(3_600)
    .meta({ description: 'Seconds' }),
  size: z.enum(previewSizes).nullish().meta({ description: 'Of a preview; without it, the whole file' }),
});

/** What a signed link has in its query. */
export const linkQuery = z.object({
  expires: z.string().regex(/^\d{1,12}$/),
  signature: z.string().max(100),
});

const unchanged = {
  description: 'The caller has these bytes already (`If-None-Match`, `If-Modified-Since`)',
};
const noSuchRange = { description: 'There are no such bytes' };

export const mediaApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/media',
    scope: 'media:read',
    summary: 'List media, newest first',
    query: mediaQuery,
    answers: { 200: { description: 'A page of media', schema: pageOf(media) } },
  },
  {
    method: 'get',
    path: '/v1/media/{id}',
    scope: 'media:read',
    summary: 'Get a media item, at once or as soon as it is no longer pending',
    params: byId,
    query: waitQuery,
    answers: { 200: { description: 'The media', schema: media } },
    errors: ['media.not_found'],
  },
  {
    method: 'get',
    path: '/v1/media/{id}/content',
    scope: 'media:read',
    signedLink: true,
    summary: 'Download the original file',
    description: 'Knows `Range`; what is not known to be harmless in a browser is an attachment.',
    params: byId,
    answers: {
      200: { description: 'All bytes', contentType: '*/*' },
      206: { description: 'The bytes of the range', contentType: '*/*' },
      304: unchanged,
      416: noSuchRange,
    },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.erased'],
  },
  {
    method: 'get',
    path: '/v1/media/{id}/preview',
    scope: 'media:read',
    signedLink: true,
    summary: 'Download a preview: upright, without metadata, small (fits 320x320) or large (fits 1280x1280)',
    params: byId,
    query: previewQuery,
    answers: {
      200: { description: 'All bytes', contentType: 'image/*' },
      206: { description: 'The bytes of the range', contentType: 'image/*' },
      304: unchanged,
      416: noSuchRange,
    },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.no_preview', 'media.erased'],
  },
  {
    method: 'post',
    path: '/v1/media/{id}/link',
    scope: 'media:read',
    summary: 'Create a signed link that needs no token',
    params: byId,
    body: linkRequest,
    bodyOptional: true,
    answers: { 200: { description: 'The link, and when it ends', schema: link } },
    errors: ['media.not_found', 'media.erased'],
  },
  {
    method: 'post',
    path: '/v1/media/{id}/retry',
    scope: 'admin',
    summary: 'Retry a media item that is rejected or failed',
    params: byId,
    answers: { 202: { description: 'The media, pending again', schema: media } },
    errors: ['media.not_found', 'media.not_retryable'],
  },
];
