/** The channels, those of the environment and those that are added here; and what the providers need. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { ProviderKind } from '../../domain/provider-kind.js';
import type { ChannelActivity } from '../../infra/tables/channel-activity.js';
import type { ManageChannels, WithSecret } from '../../pipeline/channels/manage.js';
import type { ChannelEntry, ChannelRegistry } from '../../pipeline/channels/registry.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { parseInput, searchText } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import {
  channel,
  channelWithSecret,
  provider,
  type ChannelView,
  type ChannelWithSecret,
} from '../shapes/administration.js';
import { pageOf } from '../shapes/page.js';
import { channelView, providerView } from '../views/channel.js';

export interface ChannelServices {
  readonly channels: ChannelRegistry;
  readonly manageChannels: ManageChannels;
  readonly providers: readonly ProviderKind[];
  readonly activity: ChannelActivity;
  readonly tokens: Tokens;
  readonly publicUrl: string;
}

const setting = z.string().trim().min(1).max(20_000);
export const channelParams = z.object({ id: z.string() });
export const newChannel = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'has up to 63 of a-z, 0-9, dot, underscore and hyphen')
    .optional()
    .meta({ description: "Made of the provider's name when not given" }),
  provider: searchText(63),
  name: searchText(100).nullish(),
  settings: z
    .record(z.string().max(100), setting)
    .default({})
    .meta({ description: 'By name, see `GET /v1/providers`' }),
});
export const channelChange = z.strictObject({
  name: searchText(100).nullish(),
  enabled: z.boolean().optional(),
  settings: z
    .record(z.string().max(100), setting.nullable())
    .optional()
    .meta({ description: 'Those that are given replace those of the same name; null removes' }),
});

const changing = ['channel.not_found', 'channel.read_only'] as const;
const shownOnce = 'A secret that the service has made is shown in this answer only.';
export const channelApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/channels',
    scope: 'media:read',
    summary: 'List the channels that the token has access to',
    answers: { 200: { description: 'All of them on one page', schema: pageOf(channel) } },
  },
  {
    method: 'get',
    path: '/v1/channels/{id}',
    scope: 'media:read',
    summary: 'Get a channel',
    params: channelParams,
    answers: { 200: { description: 'The channel', schema: channel } },
    errors: ['channel.not_found'],
  },
  {
    method: 'post',
    path: '/v1/channels',
    scope: 'admin',
    summary: 'Add a channel',
    description: `All processes take its webhooks at once. ${shownOnce}`,
    body: newChannel,
    answers: { 201: { description: 'The channel', schema: channelWithSecret } },
    errors: ['channel.exists'],
  },
  {
    method: 'patch',
    path: '/v1/channels/{id}',
    scope: 'admin',
    summary: 'Change the name or settings of a channel, disable or enable it',
    params: channelParams,
    body: channelChange,
    answers: { 200: { description: 'The channel', schema: channel } },
    errors: changing,
  },
  {
    method: 'post',
    path: '/v1/channels/{id}/rotate',
    scope: 'admin',
    summary: 'Generate a new webhook secret',
    description: `The one before stays valid until the next rotation. ${shownOnce}`,
    params: channelParams,
    answers: { 200: { description: 'The channel', schema: channelWithSecret } },
    errors: [...changing, 'channel.unreadable'],
  },
  {
    method: 'delete',
    path: '/v1/channels/{id}',
    scope: 'admin',
    summary: 'Remove a channel; its media stay',
    params: channelParams,
    answers: { 204: { description: 'Removed' } },
    errors: changing,
  },
  {
    method: 'get',
    path: '/v1/providers',
    scope: 'admin',
    summary: 'List the providers and the settings of their channels',
    answers: { 200: { description: 'The providers', schema: z.object({ items: z.array(provider) }) } },
  },
];

export function channelRoutes(services: ChannelServices, limit: RequestHandler): Router {
  const { channels, manageChannels, providers, activity, publicUrl } = services;
  const router = Router();
  const reader = [authenticate(services.tokens, 'media:read'), limit];
  const admin = [authenticate(services.tokens, 'admin'), limit];

  const withActivity = async (entry: ChannelEntry): Promise<ChannelView> =>
    channelView(entry, (await activity.read()).get(entry.id), services);
  const answerWithSecret = async (
    response: Response,
    { entry, webhookSecret }: WithSecret,
  ): Promise<void> => {
    const body: ChannelWithSecret = { ...(await withActivity(entry)), webhookSecret };
    response.set('Cache-Control', 'no-store').json(body);
  };

  router.get('/v1/channels', reader, async (_: Request, response: Response) => {
    const seen = channels.entries().filter(({ id }) => seesChannel(accessOf(response), id));
    const active = await activity.read();
    response.json({
      items: seen.map((entry) => channelView(entry, active.get(entry.id), services)),
      nextCursor: null,
    });
  });

  router.get('/v1/channels/:id', reader, async (request: Request, response: Response) => {
    const id = idOf(request);
    const entry = seesChannel(accessOf(response), id) ? channels.entry(id) : undefined;
    if (!entry) throw new AppError('channel.not_found', 'there is no such channel');
    response.json(await withActivity(entry));
  });

  router.post('/v1/channels', admin, async (request: Request, response: Response) => {
    const wanted = parseInput(newChannel, request.body);
    requireChannel(response, wanted.id);
    const created = await manageChannels.create(wanted, accessOf(response).tokenId);
    response.status(201).location(`/v1/channels/${created.entry.id}`);
    await answerWithSecret(response, created);
  });

  router.patch('/v1/channels/:id', admin, async (request: Request, response: Response) => {
    requireChannel(response, idOf(request));
    const change = parseInput(channelChange, request.body);
    const { tokenId } = accessOf(response);
    response.json(await withActivity(await manageChannels.change(idOf(request), change, tokenId)));
  });

  router.post('/v1/channels/:id/rotate', admin, async (request: Request, response: Response) => {
    requireChannel(response, idOf(request));
    await answerWithSecret(response, await manageChannels.rotate(idOf(request), accessOf(response).tokenId));
  });

  router.delete('/v1/channels/:id', admin, async (request: Request, response: Response) => {
    requireChannel(response, idOf(request));
    await manageChannels.remove(idOf(request), accessOf(response).tokenId);
    response.status(204).end();
  });

  router.get('/v1/providers', admin, (_: Request, response: Response) => {
    response.json({ items: providers.map((kind) => providerView(kind, publicUrl)) });
  });

  router.all('/v1/channels', allowOnly('GET, HEAD, POST'));
  router.all('/v1/channels/:id', allowOnly('GET, HEAD, PATCH, DELETE'));
  router.all('/v1/channels/:id/rotate', allowOnly('POST'));
  router.all('/v1/providers', allowOnly('GET, HEAD'));
  return router;
}

/** A name with a character that no id has is the name of no channel. The database does not even take some of them. */
function idOf(request: Request): string {
  const { id } = parseInput(channelParams, request.params);
  if (!/^[\w.-]{1,63}$/.test(id)) throw new AppError('channel.not_found', 'there is no such channel');
  return id;
}

/** A token that is limited to channels administers these and no other, whether there is one or not. */
function requireChannel(response: Response, id: string | undefined): void {
  const access = accessOf(response);
  if (id === undefined ? access.channels === null : seesChannel(access, id)) return;
  throw new AppError('auth.scope', 'the token is limited to other channels');
}
