/** The media of messages that are sent by a link: for the providers, who have no token. */
import { Router, type Request, type RequestHandler, type Response } from 'express';

import { AppError } from '../../domain/errors.js';
import { publicMediaPath, type LinkSigner } from '../../domain/signed-link.js';
import { blobKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { Lookup } from '../../infra/tables/media/lookup.js';
import type { OutboundTable } from '../../infra/tables/sending/outbound.js';
import { queryOf, uuidParameter } from '../input.js';
import { setAccess } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { linkQuery } from './api.js';
import { sendStored } from './stored-bytes.js';

export interface PublicMediaServices {
  readonly blobs: BlobStore;
  readonly links: LinkSigner;
  readonly lookup: Pick<Lookup, 'media'>;
  readonly outbound: Pick<OutboundTable, 'find'>;
  readonly now: () => Date;
}

export function publicMediaRoutes(services: PublicMediaServices, limit: RequestHandler): Router {
  const { blobs, lookup, outbound } = services;
  const router = Router();
  router.get(
    '/public/media/:id',
    openedByLink(services),
    limit,
    async (request: Request, response: Response) => {
      const message = await outbound.find(String(request.params['id']));
      const isOnItsWay = message && message.state !== 'erased' && message.state !== 'failed';
      const media = isOnItsWay && message.mediaId !== null ? await lookup.media(message.mediaId) : null;
      if (!message || media?.state !== 'ready' || !media.blob) throw nothing();
      const { sha256, bytes, type, createdAt } = media.blob;
      const { filename } = message;
      const stored = { key: blobKey(sha256), bytes, type, tag: sha256, lastModified: createdAt, filename };
      await sendStored(blobs, { ...stored, isShared: true }, { request, response });
    },
  );
  router.all('/public/media/:id', allowOnly('GET, HEAD'));
  return router;
}

/** Whatever is wrong with a link, there is nothing: a caller that guesses learns nothing of what there is. */
function openedByLink({ links, now }: PublicMediaServices): RequestHandler {
  return (request, response, next) => {
    const id = uuidParameter(request, 'id');
    const query = linkQuery.safeParse(queryOf(request));
    if (id === undefined || !query.success) throw nothing();
    try {
      links.check(publicMediaPath(id), query.data, now());
    } catch {
      throw nothing();
    }
    setAccess(response, { tokenId: 'public link', scopes: [], channels: null });
    next();
  };
}

function nothing(): AppError {
  return new AppError('media.not_found', 'there is no such media');
}
