/** What may be asked for when a message is sent. */
import { z } from 'zod';

import { outboundStates } from '../../domain/outbound.js';
import { mediaKinds } from '../../domain/provider.js';
import type { ApiRoute } from '../api-route.js';
import { byId, cursor, pageLimit, searchText } from '../input.js';
import { channelLimits, outbound, queued } from '../shapes/outbound.js';
import { pageOf } from '../shapes/page.js';

const mediaSource = z
  .strictObject({
    url: searchText(8_192).optional().meta({ description: 'A foreign link, sent as it is' }),
    id: z.uuid().optional().meta({ description: 'A media of this service: received, or uploaded' }),
    data: z.string().optional().meta({ description: '`data:image/png;base64,…`' }),
  })
  .refine((media) => Object.values(media).filter((value) => value !== undefined).length === 1, {
    message: 'needs exactly one of url, id and data',
  });

export const newMessage = z.strictObject({
  channel: searchText(255),
  to: searchText(255).meta({ description: 'As `GET /v1/channels/{id}/limits` describes it' }),
  kind: z.enum(mediaKinds),
  media: mediaSource,
  caption: searchText(65_536).nullish(),
  filename: searchText(255).nullish(),
  replyTo: searchText(255)
    .nullish()
    .meta({ description: "The provider's id of the message that is answered" }),
  options: z
    .looseObject({
      fit: z.boolean().optional().meta({ description: 'Convert a picture that is over a limit' }),
      fetch: z
        .boolean()
        .optional()
        .meta({ description: 'Fetch a foreign link, check and keep it, and send that' }),
    })
    .default({})
    .meta({ description: "And those of the channel's provider, see `GET /v1/channels/{id}/limits`" }),
});

export const outboundQuery = z.strictObject({
  channel: searchText(255).optional(),
  state: z.enum(outboundStates).optional(),
  to: searchText(255).optional(),
  limit: pageLimit,
  cursor: cursor.optional(),
});

/** Visible ASCII. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e][\x20-\x7e]{0,254}$/, 'has 1 to 255 printable ASCII characters');

export const limitsParams = z.object({ id: z.string() });

export const sendingApi: readonly ApiRoute[] = [
  {
    method: 'post',
    path: '/v1/messages',
    scope: 'messages:send',
    summary: 'Send a picture or other media',
    description:
      'Checked against the limits of the provider, queued, and sent in order for each recipient. With the header `Idempotency-Key`, the same request within a day answers the same message and sends nothing.',
    headers: z.object({ 'Idempotency-Key': idempotencyKey.optional() }),
    body: newMessage,
    answers: { 202: { description: 'The message, queued', schema: queued } },
    errors: ['message.refused', 'message.key_reused'],
  },
  {
    method: 'get',
    path: '/v1/messages',
    scope: 'media:read',
    summary: 'List messages that were sent through the API, newest first',
    query: outboundQuery,
    answers: { 200: { description: 'A page of messages', schema: pageOf(outbound) } },
  },
  {
    method: 'get',
    path: '/v1/messages/{id}',
    scope: 'media:read',
    summary: 'Get a message that was sent through the API, with its status',
    params: byId,
    answers: { 200: { description: 'The message', schema: outbound } },
    errors: ['message.not_found'],
  },
  {
    method: 'post',
    path: '/v1/messages/{id}/retry',
    scope: 'admin',
    summary: 'Send a message again that is failed or unknown',
    description: 'Where nobody knows whether the provider has it, the person may get it twice.',
    params: byId,
    answers: { 202: { description: 'The message, queued again', schema: outbound } },
    errors: ['message.not_found', 'message.not_resendable'],
  },
  {
    method: 'get',
    path: '/v1/channels/{id}/limits',
    scope: 'messages:send',
    summary: 'Get the limits and options of a channel',
    params: limitsParams,
    answers: { 200: { description: 'The limits', schema: channelLimits } },
    errors: ['channel.not_found'],
  },
  {
    method: 'get',
    path: '/public/media/{id}',
    scope: null,
    summary: 'Download the media of a message, for the provider that sends it',
    description: 'Signed, and for a day. Knows `Range`.',
    params: byId,
    answers: {
      200: { description: 'All bytes', contentType: '*/*' },
      206: { description: 'The bytes of the range', contentType: '*/*' },
      304: { description: 'The caller has these bytes already' },
      416: { description: 'There are no such bytes' },
    },
    errors: ['media.not_found'],
  },
];
