/** Erases one media item, or everything about a person. */
import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { countsOf, type Actor, type Erased } from '../../infra/tables/erasure/erasure.js';
import { byId, searchText } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { erased as erasedShape, type ErasedView } from '../shapes/media.js';
import { findVisible, noSuchMedia } from './visible.js';

/** Other values are refused, so that a caller who wants to count never erases by mistake. */
const eraseQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true`, nothing is erased, and the answer counts what would be' }),
});

export const eraseMedia = route(
  {
    method: 'delete',
    path: '/v1/media/{id}',
    scope: 'media:manage',
    operationId: 'eraseMedia',
    summary: 'Erase a media item',
    description:
      'Erases bytes, previews and all personal data, including the raw webhooks that contained it. A tombstone stays, so that the same message does not restore it. Repeating the call changes nothing. What a legal hold keeps is refused.',
    params: byId,
    notFound: noSuchMedia,
    query: eraseQuery,
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['media.not_found', 'hold.active'],
  },
  ({ erase, lookup }: Pick<RouteServices, 'erase' | 'lookup'>) =>
    async ({ params, query, access }) => {
      // A media item whose webhook is still in the spool has no row yet.
      await erase.waitForSpool();
      const { id, channel } = await findVisible(lookup, params.id, access);
      return erasedView(await erase.media({ id, channel }, actorOf(query, access)));
    },
);

export const eraseContact = route(
  {
    method: 'delete',
    path: '/v1/contacts/{channel}/{contact}',
    scope: 'media:manage',
    operationId: 'eraseContact',
    summary: 'Erase everything that a person sent or received in a channel',
    description:
      'The person is given as the provider names them: the complete `from`, `to` or `chat` of a message. Raw webhooks of the channel that contain this id are erased as well, even if they are about another person, whose messages and media stay. The audit trail names the person by a keyed hash. If a legal hold keeps anything of it, all of it is refused.',
    params: z.object({ channel: searchText(255), contact: searchText(255) }),
    query: eraseQuery,
    answers: { 200: { description: 'How much was erased', schema: erasedShape } },
    errors: ['contact.unknown_channel', 'contact.not_found', 'hold.active'],
  },
  (services: Pick<RouteServices, 'channels' | 'erase' | 'erasure'>) =>
    async ({ params, query, access }) => {
      await services.erase.waitForSpool();
      // A misspelled channel must not look as if there was nothing to erase.
      if (!seesChannel(access, params.channel) || !(await exists(services, params.channel)))
        throw new AppError('contact.unknown_channel', 'this channel does not exist and never existed');
      return erasedView(await services.erase.contact(params, actorOf(query, access)));
    },
);

/** Null for a dry run. */
function actorOf({ dryRun }: z.infer<typeof eraseQuery>, { tokenId }: Access): Actor | null {
  return dryRun === 'true' ? null : { actor: tokenId };
}

/** Includes removed channels, because their data may still exist. */
async function exists(
  { channels, erasure }: Pick<RouteServices, 'channels' | 'erasure'>,
  channel: string,
): Promise<boolean> {
  return channels.active(channel) !== undefined || erasure.knowsChannel(channel);
}

function erasedView(erased: Erased): ErasedView {
  return { erased: countsOf(erased) };
}
