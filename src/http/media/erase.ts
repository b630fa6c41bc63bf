/** Erasing: one media, or everything about a person. */
import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { countsOf, type Actor, type Erased } from '../../infra/tables/erasure/erasure.js';
import { byId, searchText } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { erased as erasedShape, type ErasedView } from '../shapes/media.js';
import { findVisible, noSuchMedia } from './visible.js';

/** A word that is no answer to the question is refused: somebody who means to count must not erase. */
const eraseQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true` nothing is erased, and the answer says what would be' }),
});

export const eraseMedia = route(
  {
    method: 'delete',
    path: '/v1/media/{id}',
    scope: 'admin',
    operationId: 'eraseMedia',
    summary: 'Erase a media item',
    description:
      'Bytes, previews and everything personal, the raw webhooks that brought it included. A tombstone stays, so that the same message does not bring it back. Erasing it again changes nothing.',
    params: byId,
    notFound: noSuchMedia,
    query: eraseQuery,
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['media.not_found'],
  },
  ({ erase, lookup }: Pick<RouteServices, 'erase' | 'lookup'>) =>
    async ({ params, query, access }) => {
      // A media whose webhook still lies in the spool has no row that the lookup could find.
      await erase.waitForSpool();
      const { id, channel } = await findVisible(lookup, params.id, access);
      return erasedView(await erase.media({ id, channel }, actorOf(query, access)));
    },
);

export const eraseContact = route(
  {
    method: 'delete',
    path: '/v1/contacts/{channel}/{contact}',
    scope: 'admin',
    operationId: 'eraseContact',
    summary: 'Erase everything that a person sent or received in a channel',
    description:
      'The person as the provider names them: `from`, `to` or `chat` of a message, as a whole. Raw webhooks of the channel that hold this id are erased as well, also where they speak of somebody else, whose messages and media stay. The audit trail names the person by a keyed hash.',
    params: z.object({ channel: searchText(255), contact: searchText(255) }),
    query: eraseQuery,
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['contact.unknown_channel', 'contact.not_found'],
  },
  (services: Pick<RouteServices, 'channels' | 'erase' | 'erasure'>) =>
    async ({ params, query, access }) => {
      await services.erase.waitForSpool();
      // A slip in its name must not look as if there had been nothing to erase.
      if (!seesChannel(access, params.channel) || !(await exists(services, params.channel)))
        throw new AppError('contact.unknown_channel', 'there is no such channel, and there never was');
      return erasedView(await services.erase.contact(params, actorOf(query, access)));
    },
);

/** Nobody for a dry run. */
function actorOf({ dryRun }: z.infer<typeof eraseQuery>, { tokenId }: Access): Actor | null {
  return dryRun === 'true' ? null : { actor: tokenId };
}

/** A channel that has been removed may have left something. */
async function exists(
  { channels, erasure }: Pick<RouteServices, 'channels' | 'erasure'>,
  channel: string,
): Promise<boolean> {
  return channels.active(channel) !== undefined || erasure.knowsChannel(channel);
}

function erasedView(erased: Erased): ErasedView {
  return { erased: countsOf(erased) };
}
