/** Erasing: one media, or everything about a person. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel } from '../../domain/access.js';
import type { Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import { countsOf, type Actor, type Erased, type Erasure } from '../../infra/tables/erasure/erasure.js';
import type { Lookup } from '../../infra/tables/media/lookup.js';
import type { Erase } from '../../pipeline/housekeeping/erase.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { parseInput, searchText } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { erased as erasedShape, type ErasedView } from '../shapes/media.js';
import { findVisible } from './visible.js';

export interface EraseServices {
  readonly erase: Erase;
  readonly erasure: Pick<Erasure, 'knowsChannel'>;
  readonly channels: Channels;
  readonly lookup: Lookup;
  readonly tokens: Tokens;
}

export const contactParams = z.object({ channel: searchText(255), contact: searchText(255) });
/** A word that is no answer to the question is refused: somebody who means to count must not erase. */
export const eraseQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true` nothing is erased, and the answer says what would be' }),
});

export const eraseApi: readonly ApiRoute[] = [
  {
    method: 'delete',
    path: '/v1/media/{id}',
    scope: 'admin',
    summary: 'Erase a media item',
    description:
      'Bytes, previews and everything personal, the raw webhooks that brought it included. A tombstone stays, so that the same message does not bring it back. Erasing it again changes nothing.',
    params: z.object({ id: z.uuid() }),
    query: eraseQuery,
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['media.not_found'],
  },
  {
    method: 'delete',
    path: '/v1/contacts/{channel}/{contact}',
    scope: 'admin',
    summary: 'Erase everything that a person sent or received in a channel',
    description:
      'The person as the provider names them: `from`, `to` or `chat` of a message, as a whole. Raw webhooks of the channel that hold this id are erased as well, also where they speak of somebody else, whose messages and media stay. The audit trail names the person by a keyed hash.',
    params: contactParams,
    query: eraseQuery,
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['contact.unknown_channel', 'contact.not_found'],
  },
];

export function eraseRoutes(services: EraseServices, limit: RequestHandler): Router {
  const router = Router();
  const admin = [authenticate(services.tokens, 'admin'), limit];

  router.delete('/v1/media/:id', admin, async (request: Request, response: Response) => {
    const by = actorOf(request, response);
    // A media whose webhook still lies in the spool has no row that the lookup could find.
    await services.erase.waitForSpool();
    const { id, channel } = await findVisible(services, request, response);
    response.json(erasedView(await services.erase.media({ id, channel }, by)));
  });

  router.delete('/v1/contacts/:channel/:contact', admin, async (request: Request, response: Response) => {
    const who = parseInput(contactParams, request.params);
    const by = actorOf(request, response);
    const access = accessOf(response);
    await services.erase.waitForSpool();
    // A slip in its name must not look as if there had been nothing to erase.
    if (!seesChannel(access, who.channel) || !(await exists(services, who.channel)))
      throw new AppError('contact.unknown_channel', 'there is no such channel, and there never was');
    response.json(erasedView(await services.erase.contact(who, by)));
  });
  router.all('/v1/contacts/:channel/:contact', allowOnly('DELETE'));
  return router;
}

/** Nobody for a dry run. */
function actorOf(request: Request, response: Response): Actor | null {
  const { dryRun } = parseInput(eraseQuery, request.query);
  return dryRun === 'true' ? null : { actor: accessOf(response).tokenId };
}

/** A channel that has been removed may have left something. */
async function exists({ channels, erasure }: EraseServices, channel: string): Promise<boolean> {
  return channels.active(channel) !== undefined || erasure.knowsChannel(channel);
}

function erasedView(erased: Erased): ErasedView {
  return { erased: countsOf(erased) };
}
