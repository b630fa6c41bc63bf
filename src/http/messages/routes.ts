/** Sends messages, shows their status, and lists the limits of channels. */
import { z } from 'zod';

import { seesChannel, visibleChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { outboundStates } from '../../domain/outbound.js';
import { mediaKinds } from '../../domain/provider.js';
import type { OutboundRecord } from '../../infra/tables/sending/outbound.js';
import { byId, cursor, pageLimit, searchText, toPage } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { channelLimits, outbound as outboundShape, queued, type OutboundView } from '../shapes/outbound.js';
import { pageOf } from '../shapes/page.js';
import { outboundView, queuedView } from '../views/outbound.js';

type ReadServices = Pick<RouteServices, 'lookup' | 'outbound'>;

const mediaSource = z
  .strictObject({
    url: searchText(8_192).optional().meta({ description: 'A foreign link, which is sent unchanged' }),
    id: z
      .uuid()
      .toLowerCase()
      .optional()
      .meta({ description: 'The id of a received or uploaded media item' }),
    data: z.string().optional().meta({ description: '`data:image/png;base64,…`' }),
  })
  .refine((media) => Object.values(media).filter((value) => value !== undefined).length === 1, {
    message: 'must have exactly one of url, id and data',
  });

/** The options of every channel. Each provider validates further options of its own. */
const sendOptions = z
  .looseObject({
    fit: z.boolean().optional().meta({ description: 'Convert a picture that exceeds a limit' }),
    fetch: z
      .boolean()
      .optional()
      .meta({ description: 'Download a foreign link, check and store the file, and send it' }),
  })
  .meta({ id: 'SendOptions' });

const newMessage = z.strictObject({
  channel: searchText(255),
  to: searchText(255).meta({ description: 'In the format that `GET /v1/channels/{id}/limits` describes' }),
  kind: z.enum(mediaKinds),
  media: mediaSource,
  caption: searchText(65_536).nullish(),
  filename: searchText(255).nullish(),
  replyTo: searchText(255)
    .nullish()
    .meta({ description: "The provider's id of the message that this one replies to" }),
  options: sendOptions
    .default({})
    .meta({ description: "With the options of the channel's provider, see `GET /v1/channels/{id}/limits`" }),
});

/** Visible ASCII. */
const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e][\x20-\x7e]{0,254}$/, 'must have 1 to 255 printable ASCII characters');

export const sendMessage = route(
  {
    method: 'post',
    path: '/v1/messages',
    scope: 'messages:send',
    limit: 'upload',
    operationId: 'sendMessage',
    summary: 'Send a picture or other media',
    description:
      'The message is checked against the limits of the provider and queued. Messages to one recipient are sent in order. With the header `Idempotency-Key`, the same request within a day returns the same message and sends nothing.',
    headers: z.object({ 'Idempotency-Key': idempotencyKey.optional() }),
    body: newMessage,
    answers: { 202: { description: 'The queued message', schema: queued, hasLocation: true } },
    errors: ['message.refused', 'message.key_reused'],
  },
  (services: ReadServices & Pick<RouteServices, 'queueMessage'>) =>
    async ({ body, headers, access }) => {
      const key = headers['Idempotency-Key'] ?? null;
      const id = await services.queueMessage(body, { access, key });
      const record = await services.outbound.find(id);
      if (!record) throw new Error('a message was deleted right after it was queued');
      return queuedView(await viewOf(services, record), { access, filename: body.filename });
    },
);

export const listMessages = route(
  {
    method: 'get',
    path: '/v1/messages',
    scope: 'media:read',
    operationId: 'listMessages',
    summary: 'List messages that were sent through the API, newest first',
    query: z.strictObject({
      channel: searchText(255).optional(),
      state: z.enum(outboundStates).optional(),
      to: searchText(255).optional(),
      limit: pageLimit,
      cursor: cursor.optional(),
    }),
    answers: { 200: { description: 'A page of messages', schema: pageOf(outboundShape) } },
  },
  (services: ReadServices) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after, channel, ...rest } = query;
      const filter = { ...rest, channels: visibleChannels(access, channel) };
      const records = await services.outbound.list(filter, { limit: size + 1, after });
      return toPage(await viewsOf(services, records), size, (view) => view);
    },
);

export const getMessage = route(
  {
    method: 'get',
    path: '/v1/messages/{id}',
    scope: 'media:read',
    operationId: 'getMessage',
    summary: 'Get a message that was sent through the API, with its status',
    params: byId,
    notFound: noSuchMessage,
    answers: { 200: { description: 'The message', schema: outboundShape } },
    errors: ['message.not_found'],
  },
  (services: ReadServices) =>
    async ({ params, access }) =>
      viewOf(services, await findVisible(services, params.id, access)),
);

export const retryMessage = route(
  {
    method: 'post',
    path: '/v1/messages/{id}/retry',
    scope: 'media:manage',
    operationId: 'retryMessage',
    summary: 'Retry a message that is failed or unknown',
    description: 'If it is unknown whether the provider received it, the recipient may get it twice.',
    params: byId,
    notFound: noSuchMessage,
    answers: { 202: { description: 'The message, which is queued again', schema: outboundShape } },
    errors: ['message.not_found', 'message.not_resendable'],
  },
  (services: ReadServices & Pick<RouteServices, 'audit' | 'now'>) =>
    async ({ params, access }) => {
      const { id, channel, state } = await findVisible(services, params.id, access);
      const entry = { actor: access.tokenId, action: 'message.retry', channel, target: id };
      const isDone = await services.outbound.sendAgain(id, services.now(), (connection) =>
        services.audit.record(entry, connection),
      );
      if (!isDone)
        throw new AppError('message.not_resendable', `a message that is ${state} cannot be sent again`);
      return viewOf(services, await findVisible(services, id, access));
    },
);

export const getChannelLimits = route(
  {
    method: 'get',
    path: '/v1/channels/{id}/limits',
    scope: 'messages:send',
    operationId: 'getChannelLimits',
    summary: 'Get the limits and options of a channel',
    params: z.object({ id: z.string() }),
    answers: { 200: { description: 'The limits', schema: channelLimits } },
    errors: ['channel.not_found'],
  },
  ({ channels, providers }: Pick<RouteServices, 'channels' | 'providers'>) =>
    ({ params: { id }, access }) => {
      const channel = seesChannel(access, id) ? channels.any(id) : undefined;
      if (!channel) throw new AppError('channel.not_found', 'there is no such channel');
      const kind = providers.find((candidate) => candidate.id === channel.provider);
      const { sending } = channel.adapter;
      return {
        channel: id,
        provider: channel.provider,
        sends: sending !== undefined,
        needs: kind?.sendingNeeds ?? [],
        limits: sending?.limits ?? {},
        options: kind?.sendOptions ?? {},
      };
    },
);

async function viewsOf(
  { lookup }: ReadServices,
  records: readonly OutboundRecord[],
): Promise<OutboundView[]> {
  const found = await lookup.mediaByIds(records.flatMap(({ mediaId }) => mediaId ?? []));
  const media = new Map(found.map((one) => [one.id, one]));
  return records.map((record) => outboundView(record, media.get(record.mediaId ?? '') ?? null));
}

async function viewOf(services: ReadServices, record: OutboundRecord): Promise<OutboundView> {
  const [view] = await viewsOf(services, [record]);
  if (!view) throw new Error('a record has no view');
  return view;
}

/** Messages of channels outside the limits of the token do not exist for it. */
async function findVisible({ outbound }: ReadServices, id: string, access: Access): Promise<OutboundRecord> {
  const record = await outbound.find(id);
  if (!record || !seesChannel(access, record.channel)) throw noSuchMessage();
  return record;
}

function noSuchMessage(): AppError {
  return new AppError('message.not_found', 'there is no such message');
}
