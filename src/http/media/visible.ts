import type { Request, Response } from 'express';

import { seesChannel } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { Lookup, MediaRecord } from '../../infra/tables/media/lookup.js';
import { uuidParameter } from '../input.js';
import { accessOf } from '../middleware/authenticate.js';

/** The media of the path; one of a channel that the token does not know does not exist. */
export async function findVisible(
  { lookup }: { readonly lookup: Pick<Lookup, 'media'> },
  request: Request,
  response: Response,
): Promise<MediaRecord> {
  const id = uuidParameter(request, 'id');
  const media = id === undefined ? null : await lookup.media(id);
  if (!media || !seesChannel(accessOf(response), media.channel))
    throw new AppError('media.not_found', 'there is no such media');
  return media;
}
