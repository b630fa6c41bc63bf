import type { Response } from 'express';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { Lookup, MediaRecord } from '../../infra/tables/media/lookup.js';
import { checkAgain } from '../middleware/authenticate.js';

/** Finds a media item. Items of channels outside the limits of the token do not exist for it. */
export async function findVisible(
  lookup: Pick<Lookup, 'media'>,
  id: string,
  access: Access,
): Promise<MediaRecord> {
  return requireVisible(await lookup.media(id), access);
}

/**
 * Finds the media item of an answer that took long once more, before the answer leaves: it may have been erased
 * meanwhile, and the token revoked. Rejects like {@link findVisible} and {@link checkAgain}.
 */
export async function findAgain(
  lookup: Pick<Lookup, 'media'>,
  { id, access, response }: { readonly id: string; readonly access: Access; readonly response: Response },
): Promise<MediaRecord> {
  await checkAgain(response);
  return findVisible(lookup, id, access);
}

/** Throws `media.not_found` for no media item and for one of a channel outside the limits of the token. */
export function requireVisible(media: MediaRecord | null, access: Access): MediaRecord {
  if (!media || !seesChannel(access, media.channel)) throw noSuchMedia();
  return media;
}

export function noSuchMedia(): AppError {
  return new AppError('media.not_found', 'there is no such media item');
}
