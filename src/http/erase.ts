/** Erasing: one media, or everything about a person. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel } from '../domain/access.js';
import type { Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import { countsOf, type Erased, type Erasure } from '../infra/erasure.js';
import type { Lookup } from '../infra/lookup.js';
import type { Tokens } from '../infra/tokens.js';
import type { Erase } from '../pipeline/erase.js';
import type { ApiRoute } from './api-route.js';
import { parseInput, searchText } from './input.js';
import { accessOf, authenticate } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import { erased as erasedShape, type ErasedView } from './shapes/media.js';
import { findVisible } from './visible-media.js';

export interface EraseServices {
  readonly erase: Erase;
  readonly erasure: Pick<Erasure, 'knowsChannel'>;
  readonly channels: Channels;
  readonly lookup: Lookup;
  readonly tokens: Tokens;
}

export const contactParams = z.object({ channel: searchText(255), contact: searchText(255) });

export const eraseApi: readonly ApiRoute[] = [
  {
    method: 'delete',
    path: '/v1/media/{id}',
    scope: 'admin',
    summary: 'Erase a media',
    description:
      'Bytes, previews and everything personal, the raw webhooks that brought it included. A tombstone stays, so that the same message does not bring it back. Erasing it again changes nothing.',
    params: z.object({ id: z.uuid() }),
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['media.not_found'],
  },
  {
    method: 'delete',
    path: '/v1/contacts/{channel}/{contact}',
    scope: 'admin',
    summary: 'Erase everything that a person sent or was sent in a channel',
    description:
      'The person as the provider names them: `from`, `to` or `chat` of a message. Raw webhooks of the channel that hold this id are erased as well. The audit trail names the person by a keyed hash.',
    params: contactParams,
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['contact.unknown_channel'],
  },
];

export function eraseRoutes(services: EraseServices, limit: RequestHandler): Router {
  const router = Router();
  const admin = [authenticate(services.tokens, 'admin'), limit];

  router.delete('/v1/media/:id', admin, async (request: Request, response: Response) => {
    const { id, channel } = await findVisible(services, request, response);
    const by = { actor: accessOf(response).tokenId };
    response.json(erasedView(await services.erase.media({ id, channel }, by)));
  });

  router.delete('/v1/contacts/:channel/:contact', admin, async (request: Request, response: Response) => {
    const who = parseInput(contactParams, request.params);
    const access = accessOf(response);
    // A slip in its name must not look as if there had been nothing to erase.
    if (!seesChannel(access, who.channel) || !(await exists(services, who.channel)))
      throw new AppError('contact.unknown_channel', 'there is no such channel, and there never was');
    response.json(erasedView(await services.erase.contact(who, { actor: access.tokenId })));
  });
  router.all('/v1/contacts/:channel/:contact', allowOnly('DELETE'));
  return router;
}

/** A channel that has been removed may have left something. */
async function exists({ channels, erasure }: EraseServices, channel: string): Promise<boolean> {
  return channels.find(channel) !== undefined || erasure.knowsChannel(channel);
}

function erasedView(erased: Erased): ErasedView {
  return { erased: countsOf(erased) };
}
