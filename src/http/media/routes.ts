import { Router, type Request, type RequestHandler, type Response } from 'express';

import { visibleChannels } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { PreviewSize } from '../../domain/media.js';
import type { LinkSigner } from '../../domain/signed-link.js';
import { blobKey, previewKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { Notifications } from '../../infra/postgres/notifications.js';
import type { Audit } from '../../infra/tables/audit.js';
import type { Lookup, MediaFilter, MediaRecord } from '../../infra/tables/media/lookup.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import type { Tokens } from '../../pipeline/tokens.js';
import { parseInput, queryOf, toPage } from '../input.js';
import { accessOf, authenticate, setAccess } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import type { LoadLimits } from '../middleware/load-limits.js';
import { contentPath, mediaView, previewPath, storedPreviews } from '../views/media.js';
import { linkQuery, linkRequest, mediaQuery, previewQuery, waitQuery } from './api.js';
import { createSettledMedia } from './settled.js';
import { sendStored, type StoredBytes } from './stored-bytes.js';
import { findVisible } from './visible.js';

export interface MediaServices {
  readonly audit: Pick<Audit, 'record'>;
  readonly lookup: Lookup;
  readonly table: MediaTable;
  readonly blobs: BlobStore;
  readonly links: LinkSigner;
  readonly notifications: Notifications;
  readonly tokens: Tokens;
  /** Aborted when the process is to end: whoever waits is answered with what is known. */
  readonly stopping: AbortSignal;
  readonly publicUrl: string;
  readonly now: () => Date;
}

export interface MediaLimits extends Pick<LoadLimits, 'query' | 'download' | 'listen'> {
  /** For signed links, which all count as one caller. */
  readonly signedDownload: RequestHandler;
}

export function mediaRoutes(services: MediaServices, limits: MediaLimits): Router {
  const router = Router();
  const authenticated = authenticate(services.tokens, 'media:read');
  const reader = [authenticated, limits.query];
  const downloader = [authenticated, limits.download];
  const admin = [authenticate(services.tokens, 'admin'), limits.query];
  const settled = createSettledMedia(services);

  router.get('/v1/media', reader, async (request: Request, response: Response) => {
    const { limit: size, cursor: after, channel, ...rest } = parseInput(mediaQuery, queryOf(request));
    const filter: MediaFilter = { ...rest, channels: visibleChannels(accessOf(response), channel) };
    const items = await services.lookup.listMedia(filter, { limit: size + 1, after });
    response.json(toPage(items, size, mediaView));
  });

  router.get(
    '/v1/media/:id',
    authenticated,
    waitsOr(limits),
    async (request: Request, response: Response) => {
      const { wait } = parseInput(waitQuery, queryOf(request));
      const media =
        wait > 0
          ? await settled(request, response, wait * 1000)
          : await findVisible(services, request, response);
      response.json(mediaView(media));
    },
  );

  const sendContent: RequestHandler = async (request, response) => {
    const media = await findVisible(services, request, response);
    const stored = { ...storedContent(media), isShared: isByLink(response) };
    await sendStored(services.blobs, stored, { request, response });
  };
  router.get('/v1/media/:id/content', openedByLink(services), limits.signedDownload, sendContent);
  router.get('/v1/media/:id/content', downloader, sendContent);

  const sendPreview: RequestHandler = async (request, response) => {
    const { size } = parseInput(previewQuery, queryOf(request));
    const media = await findVisible(services, request, response);
    const stored = { ...storedPreview(media, size), isShared: isByLink(response) };
    await sendStored(services.blobs, stored, { request, response });
  };
  router.get('/v1/media/:id/preview', openedByLink(services), limits.signedDownload, sendPreview);
  router.get('/v1/media/:id/preview', downloader, sendPreview);

  router.post('/v1/media/:id/link', reader, async (request: Request, response: Response) => {
    const { expiresIn, size } = parseInput(linkRequest, request.body ?? {});
    const media = await findVisible(services, request, response);
    if (media.state === 'erased') throw new AppError('media.erased', 'the media was erased');
    const expiresAt = new Date(services.now().getTime() + expiresIn * 1000);
    const path = size ? previewPath(media.id, size) : contentPath(media.id);
    const signed = services.links.sign(path, expiresAt).toString();
    response.json({
      url: `${services.publicUrl}${path}${size ? '&' : '?'}${signed}`,
      expiresAt: expiresAt.toISOString(),
    });
  });

  router.post('/v1/media/:id/retry', admin, async (request: Request, response: Response) => {
    const media = await findVisible(services, request, response);
    const { tokenId: actor } = accessOf(response);
    const { id: target, channel } = media;
    const entry = { actor, action: 'media.retry', channel, target };
    const isDone = await services.table.retryNow(target, services.now(), (connection) =>
      services.audit.record(entry, connection),
    );
    if (!isDone) {
      throw new AppError(
        'media.not_retryable',
        `a media that is ${media.state}, or has no address, cannot be fetched again`,
      );
    }
    response.status(202).json(mediaView(await findVisible(services, request, response)));
  });

  router.all('/v1/media', allowOnly('GET, HEAD, POST')); // POST is for uploads.
  router.all('/v1/media/:id', allowOnly('GET, HEAD, DELETE')); // DELETE is for erasing.
  for (const path of ['/content', '/preview']) router.all(`/v1/media/:id${path}`, allowOnly('GET, HEAD'));
  for (const path of ['/link', '/retry']) router.all(`/v1/media/:id${path}`, allowOnly('POST'));
  return router;
}

/** What stands for a token where a signed link was used. */
const linkCaller = 'link';

function isByLink(response: Response): boolean {
  return accessOf(response).tokenId === linkCaller;
}

/** A signed link stands for reading exactly the resource it names. Requests without one go on to the route with a token. */
function openedByLink({ links, now }: MediaServices): RequestHandler {
  return (request, response, next) => {
    const query = linkQuery.safeParse(queryOf(request));
    if (request.headers.authorization !== undefined || !query.success) {
      next('route');
      return;
    }
    const size = request.query['size'];
    links.check(typeof size === 'string' ? `${request.path}?size=${size}` : request.path, query.data, now());
    setAccess(response, { tokenId: linkCaller, scopes: ['media:read'], channels: null });
    next();
  };
}

/** A request that waits holds no place among those that are answered at once. */
function waitsOr({ query, listen }: MediaLimits): RequestHandler {
  return (request, response, next) => {
    void (request.query['wait'] === undefined ? query : listen)(request, response, next);
  };
}

function storedContent(media: MediaRecord): Omit<StoredBytes, 'isShared'> {
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

function storedPreview(media: MediaRecord, size: PreviewSize): Omit<StoredBytes, 'isShared'> {
  const { blob } = requireBytes(media);
  const preview = storedPreviews(blob).find((candidate) => candidate.size === size);
  if (!preview) throw new AppError('media.no_preview', 'there is no preview of this media');
  return {
    key: previewKey(blob.sha256, size),
    bytes: null,
    type: preview.type,
    tag: `${blob.sha256}-${size}`,
    lastModified: blob.createdAt,
    filename: null,
  };
}

function requireBytes(media: MediaRecord): { blob: NonNullable<MediaRecord['blob']> } {
  if (media.state === 'erased') throw new AppError('media.erased', 'the media was erased');
  if (media.state === 'pending') throw new AppError('media.not_ready', 'the media is not here yet');
  if (!media.blob) throw new AppError('media.no_bytes', 'the media could not be fetched; its error says why');
  return { blob: media.blob };
}
