import { Router, type Request, type RequestHandler, type Response } from 'express';

import { seesChannel } from '../domain/access.js';
import { AppError } from '../domain/errors.js';
import type { Lookup } from '../infra/lookup.js';
import type { Tokens } from '../infra/tokens.js';
import { accessOf, authenticate } from './middleware/authenticate.js';
import { allowOnly } from './middleware/errors.js';
import { messageView } from './views.js';

export function messageRoutes(services: { lookup: Lookup; tokens: Tokens }, limit: RequestHandler): Router {
  const router = Router();
  router.get(
    '/v1/messages/:channel/:messageId',
    authenticate(services.tokens, 'media:read'),
    limit,
    async (request: Request, response: Response) => {
      const [channel, messageId] = [String(request.params['channel']), String(request.params['messageId'])];
      const visible = seesChannel(accessOf(response), channel) && !`${channel}${messageId}`.includes('\0');
      const message = visible ? await services.lookup.message(channel, messageId) : null;
      if (!message)
        throw new AppError('message.not_found', 'there is no message with this id in this channel');
      response.json(messageView(message));
    },
  );
  router.all('/v1/messages/:channel/:messageId', allowOnly('GET, HEAD'));
  return router;
}
