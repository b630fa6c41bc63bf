import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { Lookup, MediaRecord } from '../../infra/tables/media/lookup.js';

/** Finds a media item. Items of channels outside the limits of the token do not exist for it. */
export async function findVisible(
  lookup: Pick<Lookup, 'media'>,
  id: string,
  access: Access,
): Promise<MediaRecord> {
  const media = await lookup.media(id);
  if (!media || !seesChannel(access, media.channel)) throw noSuchMedia();
  return media;
}

export function noSuchMedia(): AppError {
  return new AppError('media.not_found', 'there is no such media item');
}
