import { Router, type Request, type RequestHandler, type Response } from 'express';

import { visibleChannels } from '../domain/access.js';
import { AppError } from '../domain/errors.js';
import type { PreviewSize } from '../domain/media.js';
import type { LinkSigner } from '../domain/signed-link.js';
import type { Audit } from '../infra/audit.js';
import { blobKey, previewKey, type BlobStore } from '../infra/blob-store.js';
import type { Lookup, MediaFilter, MediaRecord } from '../infra/lookup.js';
import type { MediaTable } from '../infra/media-table.js';
import type { Notifications } from '../infra/notifications.js';
import type { Tokens } from '../infra/tokens.js';
import { parseInput, queryOf, toPage, uuidParameter } from './input.js';
import { linkQuery, linkRequest, mediaQuery, previewQuery, waitQuery } from './media-api.js';
import { accessOf, authenticate, setAccess } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import { sendStored, type StoredBytes } from './stored-bytes.js';
import { contentPath, mediaView, previewPath, storedPreviews } from './views.js';
import { findVisible } from './visible-media.js';

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

export function mediaRoutes(services: MediaServices, limit: RequestHandler): Router {
  const router = Router();
  const reader = [authenticate(services.tokens, 'media:read'), limit];
  const admin = [authenticate(services.tokens, 'admin'), limit];

  router.get('/v1/media', reader, async (request: Request, response: Response) => {
    const { limit: size, cursor: after, channel, ...rest } = parseInput(mediaQuery, queryOf(request));
    const filter: MediaFilter = { ...rest, channels: visibleChannels(accessOf(response), channel) };
    const items = await services.lookup.listMedia(filter, { limit: size + 1, after });
    response.json(toPage(items, size, mediaView));
  });

  router.get('/v1/media/:id', reader, async (request: Request, response: Response) => {
    const { wait } = parseInput(waitQuery, queryOf(request));
    response.json(mediaView(await untilSettled(services, { request, response, waitMs: wait * 1000 })));
  });

  const sendContent: RequestHandler = async (request, response) => {
    const media = await findVisible(services, request, response);
    await sendStored(services.blobs, storedContent(media), { request, response });
  };
  router.get('/v1/media/:id/content', openedByLink(services), sendContent);
  router.get('/v1/media/:id/content', reader, sendContent);

  const sendPreview: RequestHandler = async (request, response) => {
    const { size } = parseInput(previewQuery, queryOf(request));
    const media = await findVisible(services, request, response);
    await sendStored(services.blobs, storedPreview(media, size), { request, response });
  };
  router.get('/v1/media/:id/preview', openedByLink(services), sendPreview);
  router.get('/v1/media/:id/preview', reader, sendPreview);

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
    if (!(await services.table.retryNow(media.id, services.now()))) {
      throw new AppError(
        'media.not_retryable',
        `a media that is ${media.state}, or has no address, cannot be fetched again`,
      );
    }
    const [{ tokenId: actor }, { id: target, channel }] = [accessOf(response), media];
    await services.audit.record({ actor, action: 'media.retry', channel, target });
    response.status(202).json(mediaView(await findVisible(services, request, response)));
  });

  router.all('/v1/media', allowOnly('GET, HEAD, POST')); // POST is for uploads.
  router.all('/v1/media/:id', allowOnly('GET, HEAD, DELETE')); // DELETE is for erasing.
  for (const path of ['/content', '/preview']) router.all(`/v1/media/:id${path}`, allowOnly('GET, HEAD'));
  for (const path of ['/link', '/retry']) router.all(`/v1/media/:id${path}`, allowOnly('POST'));
  return router;
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
    setAccess(response, { tokenId: 'link', scopes: ['media:read'], channels: null });
    next();
  };
}

async function untilSettled(
  services: MediaServices,
  { request, response, waitMs }: { request: Request; response: Response; waitMs: number },
): Promise<MediaRecord> {
  const { stopping } = services;
  const deadline = Date.now() + waitMs;
  const gone = new AbortController();
  const leave = (): void => {
    gone.abort();
  };
  stopping.addEventListener('abort', leave);
  response.once('close', () => {
    stopping.removeEventListener('abort', leave);
    leave();
  });
  for (;;) {
    // Listening begins before looking, so that a change in between is heard.
    const slice = Math.min(deadline - Date.now(), lookAgainMs);
    const heard = new AbortController();
    const signal = AbortSignal.any([gone.signal, heard.signal]);
    const id = uuidParameter(request, 'id');
    const change =
      id && slice > 0 ? services.notifications.mediaChange(id, { timeoutMs: slice, signal }) : undefined;
    try {
      const media = await findVisible(services, request, response);
      if (media.state !== 'pending' || !change || gone.signal.aborted || stopping.aborted) return media;
      await change;
    } finally {
      heard.abort();
    }
  }
}

/** Notifications may be missed while their connection is made anew. */
const lookAgainMs = 2_000;

function storedContent(media: MediaRecord): StoredBytes {
  const { blob } = requireBytes(media);
  return {
    key: blobKey(blob.sha256),
    type: blob.type,
    tag: blob.sha256,
    lastModified: blob.createdAt,
    filename: media.filename,
  };
}

function storedPreview(media: MediaRecord, size: PreviewSize): StoredBytes {
  const { blob } = requireBytes(media);
  const preview = storedPreviews(blob).find((candidate) => candidate.size === size);
  if (!preview) throw new AppError('media.no_preview', 'there is no preview of this media');
  return {
    key: previewKey(blob.sha256, size),
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
