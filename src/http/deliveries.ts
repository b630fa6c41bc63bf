import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel, visibleChannels } from '../domain/access.js';
import type { Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import { outcomes, type Inbox } from '../infra/inbox.js';
import type { DeliveryRecord, Lookup } from '../infra/lookup.js';
import type { Tokens } from '../infra/tokens.js';
import { replay } from '../pipeline/replay.js';
import { cursor, pageLimit, parseInput, queryOf, searchText, toPage, uuidParameter } from './input.js';
import { accessOf, authenticate } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import { deliverySummaryView, deliveryView } from './views.js';

export interface DeliveryServices {
  readonly lookup: Lookup;
  readonly tokens: Tokens;
  readonly inbox: Inbox;
  readonly channels: Channels;
}

const filters = z.strictObject({
  channel: searchText(255).optional(),
  outcome: z.enum(outcomes).optional(),
  limit: pageLimit,
  cursor: cursor.optional(),
});

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
    const { limit: size, cursor: after, channel, outcome } = parseInput(filters, queryOf(request));
    const channels = visibleChannels(accessOf(response), channel);
    const items = await services.lookup.listDeliveries({ channels, outcome }, { limit: size + 1, after });
    response.json(toPage(items, size, deliverySummaryView));
  });

  router.get('/v1/deliveries/:id', admin, async (request: Request, response: Response) => {
    response.json(deliveryView(await find(request, response)));
  });

  router.post('/v1/deliveries/:id/replay', admin, async (request: Request, response: Response) => {
    const delivery = await find(request, response);
    response.json(await replay(delivery, services));
  });

  for (const path of ['', '/:id']) router.all(`/v1/deliveries${path}`, allowOnly('GET, HEAD'));
  router.all('/v1/deliveries/:id/replay', allowOnly('POST'));
  return router;
}
