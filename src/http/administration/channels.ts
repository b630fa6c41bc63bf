/** Channels, from the environment and added at run time, and the settings that their providers need. */
import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { WithSecret } from '../../pipeline/channels/manage.js';
import type { ChannelEntry } from '../../pipeline/channels/registry.js';
import { searchText } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import {
  channel,
  channelWithSecret,
  provider,
  type ChannelView,
  type ChannelWithSecret,
} from '../shapes/administration.js';
import { listOf, pageOf } from '../shapes/page.js';
import { channelView, providerView } from '../views/channel.js';

type ViewServices = Pick<RouteServices, 'activity' | 'providers' | 'publicUrl'>;
type ReadServices = ViewServices & Pick<RouteServices, 'channels'>;
type ManageServices = ViewServices & Pick<RouteServices, 'manageChannels'>;

const setting = z.string().trim().min(1).max(20_000);
/** Values of settings by name. */
export const settingValues = z
  .record(z.string().max(100), setting)
  .meta({ description: 'Values by name; `GET /v1/providers` lists the names' });
const days = z.int().min(1).max(36_500).nullable().optional();
const retention = z.strictObject({ mediaDays: days, deliveryDays: days }).optional().meta({
  description:
    'For how many days media and raw webhooks are kept; null leaves it to the settings of the service',
});
export const byChannelId = z.object({ id: z.string() });
const changing = ['channel.not_found', 'channel.read_only'] as const;
const shownOnce = 'Only this answer shows a secret that the service has generated.';

export const listChannels = route(
  {
    method: 'get',
    path: '/v1/channels',
    scope: 'media:read',
    operationId: 'listChannels',
    summary: 'List the channels that the token has access to',
    answers: { 200: { description: 'All channels on one page', schema: pageOf(channel) } },
  },
  (services: ReadServices) =>
    async ({ access }) => {
      const seen = services.channels.entries().filter(({ id }) => seesChannel(access, id));
      const active = await services.activity.read();
      return {
        items: seen.map((entry) => channelView(entry, active.get(entry.id), services)),
        nextCursor: null,
      };
    },
);

export const getChannel = route(
  {
    method: 'get',
    path: '/v1/channels/{id}',
    scope: 'media:read',
    operationId: 'getChannel',
    summary: 'Get a channel',
    params: byChannelId,
    answers: { 200: { description: 'The channel', schema: channel } },
    errors: ['channel.not_found'],
  },
  (services: ReadServices) =>
    async ({ params, access }) => {
      const id = requireId(params.id);
      const entry = seesChannel(access, id) ? services.channels.entry(id) : undefined;
      if (!entry) throw noSuchChannel();
      return withActivity(services, entry);
    },
);

export const addChannel = route(
  {
    method: 'post',
    path: '/v1/channels',
    scope: 'admin',
    operationId: 'addChannel',
    summary: 'Add a channel',
    description: `All processes accept its webhooks immediately. ${shownOnce}`,
    body: z.strictObject({
      id: z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9._-]{0,62}$/,
          'must have 1 to 63 of the characters a-z, 0-9, dot, underscore and hyphen',
        )
        .optional()
        .meta({ description: "Derived from the provider's name by default" }),
      provider: searchText(63),
      name: searchText(100).nullish(),
      settings: settingValues.default({}),
      retention,
    }),
    answers: {
      201: { description: 'The channel', schema: channelWithSecret, hasLocation: true, isSecret: true },
    },
    errors: ['channel.exists'],
  },
  (services: ManageServices) =>
    async ({ body, access }) => {
      requireChannel(access, body.id);
      return withSecret(services, await services.manageChannels.create(body, access.tokenId));
    },
);

export const changeChannel = route(
  {
    method: 'patch',
    path: '/v1/channels/{id}',
    scope: 'admin',
    operationId: 'changeChannel',
    summary: 'Change, disable or enable a channel',
    params: byChannelId,
    body: z.strictObject({
      name: searchText(100).nullish(),
      enabled: z.boolean().optional(),
      settings: z
        .record(z.string().max(100), setting.nullable())
        .optional()
        .meta({ description: 'Given settings replace those of the same name; null removes a setting' }),
      retention,
    }),
    answers: { 200: { description: 'The channel', schema: channel } },
    errors: changing,
  },
  (services: ManageServices) =>
    async ({ params, body, access }) => {
      const id = requireOwnChannel(access, params.id);
      return withActivity(services, await services.manageChannels.change(id, body, access.tokenId));
    },
);

export const rotateChannelSecret = route(
  {
    method: 'post',
    path: '/v1/channels/{id}/rotate',
    scope: 'admin',
    operationId: 'rotateChannelSecret',
    summary: 'Generate a new webhook secret',
    description: `The previous secret stays valid until the next rotation. ${shownOnce}`,
    params: byChannelId,
    answers: { 200: { description: 'The channel', schema: channelWithSecret, isSecret: true } },
    errors: [...changing, 'channel.unreadable'],
  },
  (services: ManageServices) =>
    async ({ params, access }) => {
      const id = requireOwnChannel(access, params.id);
      return withSecret(services, await services.manageChannels.rotate(id, access.tokenId));
    },
);

export const removeChannel = route(
  {
    method: 'delete',
    path: '/v1/channels/{id}',
    scope: 'admin',
    operationId: 'removeChannel',
    summary: 'Remove a channel and keep its media',
    params: byChannelId,
    answers: { 204: { description: 'The channel was removed' } },
    errors: changing,
  },
  ({ manageChannels }: Pick<RouteServices, 'manageChannels'>) =>
    async ({ params, access }) => {
      await manageChannels.remove(requireOwnChannel(access, params.id), access.tokenId);
      return undefined;
    },
);

export const listProviders = route(
  {
    method: 'get',
    path: '/v1/providers',
    scope: 'admin',
    operationId: 'listProviders',
    summary: 'List the providers and the settings of their channels',
    answers: { 200: { description: 'The providers', schema: listOf(provider) } },
  },
  ({ providers, publicUrl }: Pick<RouteServices, 'providers' | 'publicUrl'>) =>
    () => ({ items: providers.map((kind) => providerView(kind, publicUrl)) }),
);

async function withActivity(services: ViewServices, entry: ChannelEntry): Promise<ChannelView> {
  return channelView(entry, (await services.activity.read()).get(entry.id), services);
}

async function withSecret(
  services: ViewServices,
  { entry, webhookSecret }: WithSecret,
): Promise<ChannelWithSecret> {
  return { ...(await withActivity(services, entry)), webhookSecret };
}

/** Returns the id if it can be that of a channel. The database refuses some other characters. */
function requireId(id: string): string {
  if (!/^[\w.-]{1,63}$/.test(id)) throw noSuchChannel();
  return id;
}

/** Returns the id of a channel that the token may administer. */
export function requireOwnChannel(access: Access, text: string): string {
  const id = requireId(text);
  requireChannel(access, id);
  return id;
}

/** A token that is limited to channels can only administer those, whether other channels exist or not. */
function requireChannel(access: Access, id: string | undefined): void {
  if (id === undefined ? access.channels === null : seesChannel(access, id)) return;
  throw new AppError('auth.scope', 'the token is limited to other channels');
}

function noSuchChannel(): AppError {
  return new AppError('channel.not_found', 'there is no such channel');
}
