import { z } from 'zod';

import { seesChannel } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { message } from '../shapes/message.js';
import { messageView } from '../views/media.js';

export const findMessage = route(
  {
    method: 'get',
    path: '/v1/messages/{channel}/{messageId}',
    scope: 'media:read',
    operationId: 'findMessage',
    summary: "Get a message by the provider's id, with its media and status",
    params: z.object({ channel: z.string(), messageId: z.string() }),
    answers: { 200: { description: 'The message', schema: message } },
    errors: ['message.not_found'],
  },
  ({ lookup }: Pick<RouteServices, 'lookup'>) =>
    async ({ params, access }) => {
      const { channel, messageId } = params;
      const found = seesChannel(access, channel) ? await lookup.message(channel, messageId) : null;
      if (!found) throw new AppError('message.not_found', 'there is no message with this id in this channel');
      return messageView(found);
    },
);
