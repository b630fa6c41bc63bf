import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { seesChannel } from '../domain/access.js';
import { AppError } from '../domain/errors.js';
import type { Lookup } from '../infra/lookup.js';
import type { Tokens } from '../infra/tokens.js';
import type { ApiRoute } from './api-route.js';
import { accessOf, authenticate } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import { message } from './shapes/message.js';
import { messageView } from './views.js';

export const messageApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/messages/{channel}/{messageId}',
    scope: 'media:read',
    summary: "A message by the provider's own id, with its media and its status",
    params: z.object({ channel: z.string(), messageId: z.string() }),
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
      const [channel, messageId] = [String(request.params['channel']), String(request.params['messageId'])];
      const visible = seesChannel(accessOf(response), channel) && !`${channel}${messageId}`.includes('\0');
      const found = visible ? await services.lookup.message(channel, messageId) : null;
      if (!found) throw new AppError('message.not_found', 'there is no message with this id in this channel');
      response.json(messageView(found));
    },
  );
  router.all('/v1/messages/:channel/:messageId', allowOnly('GET, HEAD'));
  return router;
}
