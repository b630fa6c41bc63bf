/** The pages of a PDF as pictures, so that people read it without downloading or opening it. */
import type { Response } from 'express';
import { z } from 'zod';

import type { Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import { byId } from '../input.js';
import { rawRoute, route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { documentPages as pagesShape } from '../shapes/media.js';
import { pagePath } from '../views/media.js';
import { requireBytes } from './bytes.js';
import { throwAsAnswer } from './stored-bytes.js';
import { findAgain, findVisible, noSuchMedia } from './visible.js';

const cacheControl = 'private, max-age=31536000, immutable';

/** In one spelling, so that each page has one address. */
const pageNumber = z
  .string()
  .regex(/^[1-9]\d{0,6}$/, 'must be a whole number from 1 on')
  .transform(Number)
  .meta({ description: 'The first page is 1' });

type PageServices = Pick<RouteServices, 'documentPages' | 'lookup'>;

export const listMediaPages = route(
  {
    method: 'get',
    path: '/v1/media/{id}/pages',
    scope: 'media:read',
    limit: 'download',
    operationId: 'listMediaPages',
    summary: 'List the pages of a PDF, with the address and the size of the picture of each',
    description: 'The first thousand pages at most; `count` says how many there are.',
    params: byId,
    notFound: noSuchMedia,
    answers: { 200: { description: 'The pages', schema: pagesShape } },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.no_preview', 'media.erased'],
  },
  ({ documentPages, lookup }: PageServices) =>
    async ({ params, access, response }) => {
      const media = await findVisible(lookup, params.id, access);
      const { count, sizes } = await whileVisible(
        documentPages.list(documentOf(media), untilClosed(response)),
        { lookup, id: params.id, access, response },
      );
      const items = sizes.map((size, index) => {
        const number = index + 1;
        return { number, ...size, url: pagePath(media.id, number) };
      });
      return { count, items };
    },
);

export const getMediaPage = rawRoute(
  {
    method: 'get',
    path: '/v1/media/{id}/pages/{number}',
    scope: 'media:read',
    limit: 'download',
    operationId: 'getMediaPage',
    summary: 'Get a page of a PDF as a picture (fits 1600x1600)',
    params: byId.extend({
      number: pageNumber,
    }),
    notFound: () =>
      new AppError('media.not_found', 'there is no such media item or page; the first page is 1'),
    answers: {
      200: { description: 'The page', contentType: 'image/jpeg' },
      304: { description: 'The caller has this page already (`If-None-Match`)' },
    },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.no_preview', 'media.erased'],
  },
  ({ documentPages, lookup }: PageServices) =>
    async ({ params, access, request, response }) => {
      const media = await findVisible(lookup, params.id, access);
      const document = documentOf(media);
      const tag = `"${document.sha256}-page-${String(params.number)}"`;
      response.set('ETag', tag);
      // Only a page that was drawn has this tag; `*` would match pages that do not exist.
      if (request.headers['if-none-match'] !== '*' && request.fresh) {
        response.set('Cache-Control', cacheControl).status(304).end();
        return;
      }
      response.removeHeader('ETag');
      const page = await whileVisible(
        documentPages.draw(document, params.number - 1, untilClosed(response)),
        { lookup, id: params.id, access, response },
      );
      response.set({ ETag: tag, 'Cache-Control': cacheControl }).type('image/jpeg').send(page);
    },
);

interface Reading {
  readonly lookup: PageServices['lookup'];
  readonly id: string;
  readonly access: Access;
  readonly response: Response;
}

/**
 * Rendering takes seconds, in which the file may be erased and the token revoked. Nothing of it leaves
 * afterwards, and the reader learns the reason.
 */
async function whileVisible<T>(rendering: Promise<T>, { lookup, ...reading }: Reading): Promise<T> {
  const [result] = await Promise.allSettled([rendering]);
  documentOf(await findAgain(lookup, reading));
  return result.status === 'fulfilled' ? result.value : throwAsAnswer(result.reason);
}

/** Aborted when the caller has left. */
function untilClosed(response: Response): AbortSignal {
  const left = new AbortController();
  response.once('close', () => {
    left.abort();
  });
  if (response.destroyed) left.abort();
  return left.signal;
}

function documentOf(media: MediaRecord) {
  const { blob } = requireBytes(media);
  if (blob.type !== 'application/pdf')
    throw new AppError('media.no_preview', 'only the pages of a PDF can be rendered');
  return blob;
}
