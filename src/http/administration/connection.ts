/**
 * Connects channels at their providers, shows what the providers know about the webhooks, and fetches what is
 * missing.
 */
import { z } from 'zod';

import type { ConnectionReport } from '../../pipeline/channels/connect.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { backfill } from '../shapes/backfill.js';
import { connection, type ConnectionView } from '../shapes/connection.js';
import { byChannelId, requireOwnChannel } from './channels.js';

type ConnectServices = Pick<RouteServices, 'connectChannels'>;

const errors = [
  'channel.not_found',
  'channel.not_connectable',
  'channel.provider_refused',
  'channel.provider_unavailable',
] as const;

export const connectChannel = route(
  {
    method: 'post',
    path: '/v1/channels/{id}/connect',
    scope: 'admin',
    // They mostly wait for the provider.
    limit: 'listen',
    operationId: 'connectChannel',
    summary: "Tell the provider a channel's webhook address",
    description:
      'Calls the API of the provider, which then calls this service instead of the address that it had before. The answer shows the state afterwards.',
    params: byChannelId,
    answers: { 200: { description: 'The state afterwards', schema: connection } },
    errors,
  },
  ({ connectChannels }: ConnectServices) =>
    async ({ params, access }) =>
      connectionView(await connectChannels.connect(requireOwnChannel(access, params.id), access.tokenId)),
);

export const getChannelConnection = route(
  {
    method: 'get',
    path: '/v1/channels/{id}/connection',
    scope: 'media:manage',
    // They mostly wait for the provider.
    limit: 'listen',
    operationId: 'getChannelConnection',
    summary: "Ask the provider about a channel's webhook",
    description: 'Each call asks the API of the provider.',
    params: byChannelId,
    answers: { 200: { description: "The provider's own view", schema: connection } },
    errors,
  },
  ({ connectChannels }: ConnectServices) =>
    async ({ params, access }) =>
      connectionView(await connectChannels.state(requireOwnChannel(access, params.id))),
);

export const backfillChannel = route(
  {
    method: 'post',
    path: '/v1/channels/{id}/backfill',
    scope: 'admin',
    operationId: 'backfillChannel',
    summary: 'Fetch messages whose webhooks did not arrive',
    description:
      'For providers that send each webhook only once and keep the messages, such as Twilio. Messages that arrived or were erased are left out. Takes at most half a minute.',
    params: byChannelId,
    body: z
      .strictObject({
        since: z.iso
          .datetime({ offset: true })
          .meta({ description: 'When the messages were sent, or later' }),
        until: z.iso
          .datetime({ offset: true })
          .meta({
            description:
              'When the messages were sent, or earlier; by default now. Continues an incomplete call',
          })
          .optional(),
      })
      .refine(({ since, until }) => until === undefined || !(new Date(until) < new Date(since)), {
        path: ['until'],
        error: 'must not be before since',
      }),
    answers: { 200: { description: 'What was fetched', schema: backfill } },
    errors: [...errors, 'webhook.not_stored'],
  },
  ({ backfill: fetchMissed }: Pick<RouteServices, 'backfill'>) =>
    async ({ params, body, access }) => {
      const id = requireOwnChannel(access, params.id);
      const period = {
        since: new Date(body.since),
        until: body.until === undefined ? undefined : new Date(body.until),
      };
      const { until, ...report } = await fetchMissed({ id, ...period }, access.tokenId);
      return { ...report, until: until?.toISOString() ?? null };
    },
);

function connectionView(report: ConnectionReport): ConnectionView {
  if (!report.supported)
    return {
      supported: false,
      reason: report.reason,
      url: null,
      isConnected: null,
      pending: null,
      lastError: null,
      notes: [],
    };
  const { url, isConnected, pending, lastError, notes } = report;
  return {
    supported: true,
    reason: null,
    url,
    isConnected,
    pending,
    lastError: lastError && { message: lastError.message, at: lastError.at?.toISOString() ?? null },
    notes: [...notes],
  };
}
