/** Legal holds: what must not be erased before they end. */
import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { holdTypes } from '../../domain/hold.js';
import type { HoldRecord } from '../../infra/tables/holds.js';
import { noSuchHold, type NewHold } from '../../pipeline/holds.js';
import { byId, cursor, pageLimit, parseInput, searchText, toPage } from '../input.js';
import { findVisible } from '../media/visible.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { hold, type HoldView } from '../shapes/hold.js';
import { pageOf } from '../shapes/page.js';

const holdRequest = z.strictObject({
  type: z.enum(holdTypes),
  channel: searchText(255).nullish().meta({
    description: 'Required for a person and a chat; a tag without it is held in all channels',
  }),
  subject: searchText(255).meta({
    description:
      'The id or the number of the person, the id of the chat, the tag, or the id of the media item',
  }),
  reason: z.string().trim().min(1).max(1_000),
});

/** The subject of a hold on a media item. */
const mediaSubject = z.object({ subject: byId.shape.id });

type Services = Pick<RouteServices, 'holds'>;

export const listHolds = route(
  {
    method: 'get',
    path: '/v1/holds',
    scope: 'admin',
    operationId: 'listHolds',
    summary: 'List legal holds, newest first',
    query: z.strictObject({
      media: byId.shape.id.optional().meta({ description: 'Only the holds that keep this media item' }),
      limit: pageLimit,
      cursor: cursor.optional(),
    }),
    answers: { 200: { description: 'A page of holds', schema: pageOf(hold) } },
  },
  ({ holds }: Services) =>
    async ({ query, access }) => {
      const { media, limit: size, cursor: after } = query;
      const filter = { media, channels: access.channels ?? undefined };
      return toPage(await holds.list(filter, { limit: size + 1, after }), size, holdView);
    },
);

export const createHold = route(
  {
    method: 'post',
    path: '/v1/holds',
    scope: 'admin',
    operationId: 'createHold',
    summary: 'Begin a legal hold on a person, a chat, a tag or a media item',
    description:
      'Nothing under a hold is erased, neither by retention nor on request, until all its holds have ended. What arrives later is held as well. The call waits for erasures that have begun, up to ten seconds.',
    body: holdRequest,
    answers: { 201: { description: 'The hold', schema: hold, hasLocation: true } },
    errors: ['contact.unknown_channel', 'media.not_found', 'media.erased'],
  },
  (services: Services & Pick<RouteServices, 'channels' | 'erasure' | 'lookup'>) =>
    async ({ body, access }) => {
      const { type, subject, reason, channel } = body;
      const wanted =
        type === 'media'
          ? await mediaHold(services, subject, access)
          : await channelHold(services, { type, subject, channel: channel ?? null }, access);
      return holdView(await services.holds.create({ ...wanted, reason }, access.tokenId));
    },
);

export const getHold = route(
  {
    method: 'get',
    path: '/v1/holds/{id}',
    scope: 'admin',
    operationId: 'getHold',
    summary: 'Get a legal hold',
    params: byId,
    notFound: noSuchHold,
    answers: { 200: { description: 'The hold', schema: hold } },
    errors: ['hold.not_found'],
  },
  ({ holds }: Services) =>
    async ({ params, access }) => {
      const found = await holds.find(params.id, access.channels ?? undefined);
      if (!found) throw noSuchHold();
      return holdView(found);
    },
);

export const endHold = route(
  {
    method: 'delete',
    path: '/v1/holds/{id}',
    scope: 'admin',
    operationId: 'endHold',
    summary: 'End a legal hold',
    description:
      'What no other hold keeps can be erased again at once, and retention erases within the next hour what is due. The audit trail keeps who has ended the hold.',
    params: byId,
    notFound: noSuchHold,
    answers: { 204: { description: 'The hold has ended' } },
    errors: ['hold.not_found'],
  },
  ({ holds }: Services) =>
    async ({ params, access }) => {
      await holds.end(params.id, { actor: access.tokenId, channels: access.channels ?? undefined });
      return undefined;
    },
);

type Wanted = Omit<NewHold, 'reason'>;

async function mediaHold(
  { lookup }: Pick<RouteServices, 'lookup'>,
  subject: string,
  access: Access,
): Promise<Wanted> {
  const mediaId = parseInput(mediaSubject, { subject });
  const { id, channel, state } = await findVisible(lookup, mediaId.subject, access);
  if (state === 'erased') throw new AppError('media.erased', 'the media item was erased');
  return { type: 'media', channel, subject: id };
}

/** A misspelled channel must not look as if something was held. */
async function channelHold(
  { channels, erasure }: Pick<RouteServices, 'channels' | 'erasure'>,
  wanted: Wanted,
  access: Access,
): Promise<Wanted> {
  const { type, channel } = wanted;
  if (channel === null) {
    if (type !== 'tag') throw requiredChannel('is required for a person and a chat');
    if (access.channels !== null)
      throw requiredChannel('is required, since the token is limited to channels');
    return wanted;
  }
  const exists = channels.active(channel) !== undefined || (await erasure.knowsChannel(channel));
  if (!seesChannel(access, channel) || !exists)
    throw new AppError('contact.unknown_channel', 'this channel does not exist and never existed');
  return wanted;
}

function requiredChannel(message: string): AppError {
  return AppError.ofFields('request.invalid', [{ field: 'channel', message }]);
}

function holdView(record: HoldRecord): HoldView {
  const { id, type, channel, subject, ids, reason, createdAt, actor, actorName } = record;
  return {
    id,
    type,
    channel,
    subject,
    ids: [...ids],
    reason,
    createdAt: createdAt.toISOString(),
    createdBy: actor,
    createdByName: actorName,
  };
}
