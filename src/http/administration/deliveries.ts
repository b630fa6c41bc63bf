import { z } from 'zod';

import { seesChannel, visibleChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { outcomes } from '../../domain/receipt.js';
import type { DeliveryRecord } from '../../infra/tables/media/lookup.js';
import { replay } from '../../pipeline/receive/replay.js';
import { byId, cursor, pageLimit, searchText, toPage } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { delivery, deliverySummary, receipt } from '../shapes/message.js';
import { pageOf } from '../shapes/page.js';
import { deliverySummaryView, deliveryView } from '../views/media.js';

export const listDeliveries = route(
  {
    method: 'get',
    path: '/v1/deliveries',
    scope: 'media:manage',
    operationId: 'listDeliveries',
    summary: 'List raw webhooks, newest first',
    query: z.strictObject({
      channel: searchText(255).optional(),
      outcome: z.enum(outcomes).optional(),
      limit: pageLimit,
      cursor: cursor.optional(),
    }),
    answers: { 200: { description: 'A page of deliveries', schema: pageOf(deliverySummary) } },
  },
  ({ lookup }: Pick<RouteServices, 'lookup'>) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after, channel, outcome } = query;
      const channels = visibleChannels(access, channel);
      const items = await lookup.listDeliveries({ channels, outcome }, { limit: size + 1, after });
      return toPage(items, size, deliverySummaryView);
    },
);

export const getDelivery = route(
  {
    method: 'get',
    path: '/v1/deliveries/{id}',
    scope: 'media:manage',
    operationId: 'getDelivery',
    summary: 'Get a raw webhook with its body',
    params: byId,
    notFound: noSuchDelivery,
    answers: { 200: { description: 'The delivery', schema: delivery } },
    errors: ['delivery.not_found'],
  },
  ({ lookup }: Pick<RouteServices, 'lookup'>) =>
    async ({ params, access }) =>
      deliveryView(await findVisible(lookup, params.id, access)),
);

export const replayDelivery = route(
  {
    method: 'post',
    path: '/v1/deliveries/{id}/replay',
    scope: 'media:manage',
    operationId: 'replayDelivery',
    summary: 'Replay a raw webhook',
    description: 'Existing messages and media stay as they are; missing ones are added.',
    params: byId,
    notFound: noSuchDelivery,
    answers: { 200: { description: 'The result', schema: receipt } },
    errors: ['delivery.not_found', 'delivery.erased'],
  },
  (services: Pick<RouteServices, 'audit' | 'channels' | 'evaluate' | 'inbox' | 'lookup'>) =>
    async ({ params, access }) => {
      const found = await findVisible(services.lookup, params.id, access);
      const { id: target, channel } = found;
      const entry = { actor: access.tokenId, action: 'delivery.replay', channel, target };
      return replay(found, services, (connection) => services.audit.record(entry, connection));
    },
);

async function findVisible(
  lookup: RouteServices['lookup'],
  id: string,
  access: Access,
): Promise<DeliveryRecord> {
  const found = await lookup.delivery(id);
  if (found && seesChannel(access, found.channel)) return found;
  throw noSuchDelivery();
}

function noSuchDelivery(): AppError {
  return new AppError('delivery.not_found', 'there is no such delivery');
}
