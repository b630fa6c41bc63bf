import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel, visibleChannels } from '../../domain/access.js';
import type { Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type { Audit } from '../../infra/tables/audit.js';
import { outcomes } from '../../infra/tables/inbox/entry.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';
import type { DeliveryRecord, Lookup } from '../../infra/tables/media/lookup.js';
import { replay } from '../../pipeline/receive/replay.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { byId, cursor, pageLimit, parseInput, queryOf, searchText, toPage, uuidParameter } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { delivery, deliverySummary, receipt } from '../shapes/message.js';
import { pageOf } from '../shapes/page.js';
import { deliverySummaryView, deliveryView } from '../views/media.js';

export interface DeliveryServices {
  readonly lookup: Lookup;
  readonly tokens: Tokens;
  readonly audit: Pick<Audit, 'record'>;
  readonly inbox: Inbox;
  readonly channels: Channels;
}

export const deliveryQuery = z.strictObject({
  channel: searchText(255).optional(),
  outcome: z.enum(outcomes).optional(),
  limit: pageLimit,
  cursor: cursor.optional(),
});

export const deliveryApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/deliveries',
    scope: 'admin',
    summary: 'List the raw webhooks, newest first',
    query: deliveryQuery,
    answers: { 200: { description: 'A page of deliveries', schema: pageOf(deliverySummary) } },
  },
  {
    method: 'get',
    path: '/v1/deliveries/{id}',
    scope: 'admin',
    summary: 'Get a raw webhook with its body',
    params: byId,
    answers: { 200: { description: 'The delivery', schema: delivery } },
    errors: ['delivery.not_found'],
  },
  {
    method: 'post',
    path: '/v1/deliveries/{id}/replay',
    scope: 'admin',
    summary: 'Replay a raw webhook',
    description: 'What is there stays as it is; what was not understood before is added.',
    params: byId,
    answers: { 200: { description: 'What was made of it', schema: receipt } },
    errors: ['delivery.not_found', 'delivery.erased'],
  },
];

export function deliveryRoutes(services: DeliveryServices, limit: RequestHandler): Router {
  const router = Router();
  const admin = [authenticate(services.tokens, 'admin'), limit];

  const find = async (request: Request, response: Response): Promise<DeliveryRecord> => {
    const id = uuidParameter(request, 'id');
    const delivery = id === undefined ? null : await services.lookup.delivery(id);
    if (delivery && seesChannel(accessOf(response), delivery.channel)) return delivery;
    throw new AppError('delivery.not_found', 'there is no such delivery');
  };

  router.get('/v1/deliveries', admin, async (request: Request, response: Response) => {
    const { limit: size, cursor: after, channel, outcome } = parseInput(deliveryQuery, queryOf(request));
    const channels = visibleChannels(accessOf(response), channel);
    const items = await services.lookup.listDeliveries({ channels, outcome }, { limit: size + 1, after });
    response.json(toPage(items, size, deliverySummaryView));
  });

  router.get('/v1/deliveries/:id', admin, async (request: Request, response: Response) => {
    response.json(deliveryView(await find(request, response)));
  });

  router.post('/v1/deliveries/:id/replay', admin, async (request: Request, response: Response) => {
    const delivery = await find(request, response);
    const { id: target, channel } = delivery;
    const entry = { actor: accessOf(response).tokenId, action: 'delivery.replay', channel, target };
    response.json(await replay(delivery, services, (connection) => services.audit.record(entry, connection)));
  });

  for (const path of ['', '/:id']) router.all(`/v1/deliveries${path}`, allowOnly('GET, HEAD'));
  router.all('/v1/deliveries/:id/replay', allowOnly('POST'));
  return router;
}
