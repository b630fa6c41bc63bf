/** What Express answers at `/webhooks/:channel`: handshakes, and webhooks that the intake has refused. */
import { Router, type RequestHandler } from 'express';

import type { Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import { allowOnly } from './middleware/errors.js';
import { singleParameters, type Refusals } from './webhook-intake.js';

export interface WebhookRouteServices {
  readonly channels: Channels;
  readonly refusals: Refusals;
  /** Asked when a proof has failed; answers itself when there were too many. */
  readonly failedProofLimit: RequestHandler;
}

export function webhookRoutes({ channels, refusals, failedProofLimit }: WebhookRouteServices): Router {
  const router = Router();
  const path = '/webhooks/:channel';
  router.post(
    path,
    (request, response, next) => {
      const refusal = refusals.get(request);
      if (isFailedProof(refusal)) void failedProofLimit(request, response, next);
      else next();
    },
    (request, _, next) => {
      next(refusals.get(request) ?? new AppError('request.not_found', 'this is no webhook'));
    },
  );
  router.get(path, (request, response) => {
    const channel = channels.find(request.params.channel);
    if (!channel) throw new AppError('webhook.unknown_channel', 'there is no such channel');
    const answer = channel.adapter.handshake?.(singleParameters(request));
    if (answer === undefined) throw new AppError('request.not_found', 'webhooks are POSTed here');
    response.set('X-Content-Type-Options', 'nosniff').type('text/plain').send(answer);
  });
  router.all(path, allowOnly('GET, HEAD, POST'));
  return router;
}

function isFailedProof(refusal: unknown): boolean {
  return (
    refusal instanceof AppError &&
    (refusal.code === 'webhook.unproven' || refusal.code === 'webhook.unsigned')
  );
}
