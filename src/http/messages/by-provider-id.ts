import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { Lookup } from '../../infra/tables/media/lookup.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { parseInput } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { message } from '../shapes/message.js';
import { messageView } from '../views/media.js';

const messageParams = z.object({ channel: z.string(), messageId: z.string() });

export const messageApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/messages/{channel}/{messageId}',
    scope: 'media:read',
    summary: "Get a message by the provider's id, with its media and status",
    params: messageParams,
    answers: { 200: { description: 'The message', schema: message } },
    errors: ['message.not_found'],
  },
];

export function messageRoutes(services: { lookup: Lookup; tokens: Tokens }, limit: RequestHandler): Router {
  const router = Router();
  router.get(
    '/v1/messages/:channel/:messageId',
    authenticate(services.tokens, 'media:read'),
    limit,
    async (request: Request, response: Response) => {
      const { channel, messageId } = parseInput(messageParams, request.params);
      const visible = seesChannel(accessOf(response), channel);
      const found = visible ? await services.lookup.message(channel, messageId) : null;
      if (!found) throw new AppError('message.not_found', 'there is no message with this id in this channel');
      response.json(messageView(found));
    },
  );
  router.all('/v1/messages/:channel/:messageId', allowOnly('GET, HEAD'));
  return router;
}
