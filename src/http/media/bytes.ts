/** The bytes of media: for tokens, for signed links, and for the providers that send them. */
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';

import type { Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { previewSizes, type ByteRange, type PreviewSize } from '../../domain/media.js';
import { publicMediaPath } from '../../domain/signed-link.js';
import { blobKey, previewKey } from '../../infra/files/blob-store.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import { byId, queryOf } from '../input.js';
import { setAccess } from '../middleware/authenticate.js';
import { isByLink, linkQuery, type LinkServices } from '../middleware/signed-link.js';
import { rawRoute, type Answer, type Answers } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { storedPreviews } from '../views/media.js';
import { sendStored, type BytesServices, type StoredBytes } from './stored-bytes.js';
import { findVisible, noSuchMedia } from './visible.js';

const redirected: Answer = {
  description: 'The bytes are at the address in `Location` for some minutes (`S3_REDIRECT`)',
};

export const getMediaContent = rawRoute(
  {
    method: 'get',
    path: '/v1/media/{id}/content',
    scope: 'media:read',
    signedLink: true,
    limit: 'download',
    operationId: 'getMediaContent',
    summary: 'Download the original file',
    description: 'Knows `Range`; what is not known to be harmless in a browser is an attachment.',
    params: byId,
    notFound: noSuchMedia,
    answers: { ...bytesOf('*/*'), 302: redirected },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.erased'],
  },
  ({ lookup, ...services }: BytesServices & Pick<RouteServices, 'lookup'>) =>
    async ({ params, access, request, response }) => {
      const media = await findVisible(lookup, params.id, access);
      const stored = { ...storedContent(media), ...readerOf(access, request) };
      await sendStored(services, stored, { request, response });
    },
);

export const getMediaPreview = rawRoute(
  {
    method: 'get',
    path: '/v1/media/{id}/preview',
    scope: 'media:read',
    signedLink: true,
    limit: 'download',
    operationId: 'getMediaPreview',
    summary: 'Download a preview: upright, without metadata, small (fits 533x533) or large (fits 1600x1600)',
    params: byId,
    notFound: noSuchMedia,
    query: z.object({ size: z.enum(previewSizes).default('small') }),
    answers: { ...bytesOf('image/*'), 302: redirected },
    errors: ['media.not_found', 'media.not_ready', 'media.no_bytes', 'media.no_preview', 'media.erased'],
  },
  ({ lookup, ...services }: BytesServices & Pick<RouteServices, 'lookup'>) =>
    async ({ params, query, access, request, response }) => {
      const media = await findVisible(lookup, params.id, access);
      const stored = { ...storedPreview(media, query.size), ...readerOf(access, request) };
      await sendStored(services, stored, { request, response });
    },
);

export const getPublicMedia = rawRoute(
  {
    method: 'get',
    path: '/public/media/{id}',
    scope: 'public',
    limit: 'download',
    openedBy: openedByPublicLink,
    operationId: 'getPublicMedia',
    summary: 'Download the media of a message, for the provider that sends it',
    description: 'Signed, and for a day. Knows `Range`.',
    params: byId,
    notFound: noSuchMedia,
    query: linkQuery,
    answers: bytesOf('*/*'),
    errors: ['media.not_found'],
  },
  ({
    lookup,
    outbound,
    ...services
  }: LinkServices & BytesServices & Pick<RouteServices, 'lookup' | 'outbound'>) =>
    async ({ params, request, response }) => {
      const message = await outbound.find(params.id);
      const isOnItsWay = message && message.state !== 'erased' && message.state !== 'failed';
      const media = isOnItsWay && message.mediaId !== null ? await lookup.media(message.mediaId) : null;
      if (!message || media?.state !== 'ready' || !media.blob) throw noSuchMedia();
      const { sha256, bytes, type, createdAt } = media.blob;
      const { filename } = message;
      const stored = { key: blobKey(sha256), bytes, type, tag: sha256, lastModified: createdAt, filename };
      // Not every provider follows a redirect.
      await sendStored(services, { ...stored, isShared: true, mayRedirect: false }, { request, response });
    },
);

/** The answers of a route that sends bytes. */
export function bytesOf(contentType: string): Answers {
  return {
    200: { description: 'All bytes', contentType },
    206: { description: 'The bytes of the range', contentType },
    304: { description: 'The caller has these bytes already (`If-None-Match`, `If-Modified-Since`)' },
    416: { description: 'There are no such bytes' },
  };
}

/** Every fault of a link has the same answer, so that a caller that guesses links learns nothing. */
function openedByPublicLink({ links, now }: LinkServices): RequestHandler {
  return (request, response, next) => {
    const params = byId.safeParse(request.params);
    const query = linkQuery.safeParse(queryOf(request));
    if (!params.success || !query.success) throw noSuchMedia();
    try {
      links.check(publicMediaPath(params.data.id), query.data, now());
    } catch {
      throw noSuchMedia();
    }
    setAccess(response, { tokenId: 'public link', scopes: [], channels: null });
    next();
  };
}

type Reader = Pick<StoredBytes, 'isShared' | 'mayRedirect'>;

/** The pages of the gallery, which send the session's cookie, may load pictures from this service only. */
function readerOf(access: Access, request: Request): Reader {
  const isShared = isByLink(access);
  return { isShared, mayRedirect: isShared || request.headers.authorization !== undefined };
}

export function storedContent(media: MediaRecord): Omit<StoredBytes, keyof Reader> {
  const { blob } = requireBytes(media);
  return {
    key: blobKey(blob.sha256),
    bytes: blob.bytes,
    type: blob.type,
    tag: blob.sha256,
    lastModified: blob.createdAt,
    filename: media.filename,
  };
}

export function storedPreview(media: MediaRecord, size: PreviewSize): Omit<StoredBytes, keyof Reader> {
  const { blob } = requireBytes(media);
  const preview = storedPreviews(blob).find((candidate) => candidate.size === size);
  if (!preview) throw new AppError('media.no_preview', 'there is no preview of this media');
  const { sha256, bytes, createdAt } = blob;
  const { type, ranges } = preview;
  const facts = { type, lastModified: createdAt, filename: null };
  const tag = `${sha256}-${size}`;
  return ranges
    ? { ...facts, key: blobKey(sha256), bytes, ranges, tag: `${tag}-${tagOf(ranges)}` }
    : { ...facts, key: previewKey(sha256, size), bytes: null, tag };
}

/** Another version may choose other parts of the same file, which must have another tag. */
function tagOf(ranges: readonly ByteRange[]): string {
  return ranges.map(({ start, end }) => `${String(start)}-${String(end)}`).join('.');
}

/** Throws if the media item has no stored file. */
export function requireBytes(media: MediaRecord): { blob: NonNullable<MediaRecord['blob']> } {
  if (media.state === 'erased') throw new AppError('media.erased', 'the media was erased');
  if (media.state === 'pending') throw new AppError('media.not_ready', 'the media is not here yet');
  if (!media.blob) throw new AppError('media.no_bytes', 'the media could not be fetched; its error says why');
  return { blob: media.blob };
}
