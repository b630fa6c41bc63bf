/** The media of messages that are sent by a link: for the providers, who have no token. */
import { Router, type Request, type Response } from 'express';

import { AppError } from '../domain/errors.js';
import { publicMediaPath, type LinkSigner } from '../domain/signed-link.js';
import { blobKey, type BlobStore } from '../infra/blob-store.js';
import type { Lookup } from '../infra/lookup.js';
import type { OutboundTable } from '../infra/outbound-table.js';
import { queryOf, uuidParameter } from './input.js';
import { linkQuery } from './media-api.js';
import { allowOnly } from './middleware/errors.js';
import { sendStored } from './stored-bytes.js';

export interface PublicMediaServices {
  readonly blobs: BlobStore;
  readonly links: LinkSigner;
  readonly lookup: Pick<Lookup, 'media'>;
  readonly outbound: Pick<OutboundTable, 'find'>;
  readonly now: () => Date;
}

export function publicMediaRoutes(services: PublicMediaServices): Router {
  const { blobs, lookup, outbound } = services;
  const router = Router();
  router.get('/public/media/:id', async (request: Request, response: Response) => {
    const id = openedMessage(services, request);
    const message = id === undefined ? undefined : await outbound.find(id);
    const isOnItsWay = message && message.state !== 'erased' && message.state !== 'failed';
    const media = isOnItsWay && message.mediaId !== null ? await lookup.media(message.mediaId) : null;
    if (!message || media?.state !== 'ready' || !media.blob) throw nothing();
    const { sha256, type, createdAt } = media.blob;
    await sendStored(
      blobs,
      { key: blobKey(sha256), type, tag: sha256, lastModified: createdAt, filename: message.filename },
      { request, response },
    );
  });
  router.all('/public/media/:id', allowOnly('GET, HEAD'));
  return router;
}

/** Whatever is wrong with a link, there is nothing: whoever guesses learns nothing of what there is. */
function openedMessage({ links, now }: PublicMediaServices, request: Request): string | undefined {
  const id = uuidParameter(request, 'id');
  const query = linkQuery.safeParse(queryOf(request));
  if (id === undefined || !query.success) return undefined;
  try {
    links.check(publicMediaPath(id), query.data, now());
    return id;
  } catch {
    return undefined;
  }
}

function nothing(): AppError {
  return new AppError('media.not_found', 'there is no such media');
}
