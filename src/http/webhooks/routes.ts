/** What Express answers at `/webhooks/:channel`: handshakes, and webhooks that the intake has refused. */
import { Router, type RequestHandler } from 'express';
import { z } from 'zod';

import type { Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type { ApiRoute } from '../api-route.js';
import { allowOnly } from '../middleware/errors.js';
import { receipt } from '../shapes/message.js';
import { singleParameters, type Refusals } from './intake.js';

export interface WebhookRouteServices {
  readonly channels: Channels;
  readonly refusals: Refusals;
  /** Asked when a proof has failed; answers itself when there were too many. */
  readonly failedProofLimit: RequestHandler;
}

const byChannel = z.object({ channel: z.string() });

export const webhookApi: readonly ApiRoute[] = [
  {
    method: 'post',
    path: '/webhooks/{channel}',
    scope: null,
    summary: 'Receive a webhook of a provider',
    description:
      'The provider proves itself in its own way; what it sends has its own shape. The answer never waits for a download.',
    params: byChannel,
    body: z.unknown(),
    answers: { 200: { description: 'Written down', schema: receipt } },
    errors: [
      'webhook.unknown_channel',
      'webhook.unproven',
      'webhook.unsigned',
      'webhook.too_large',
      'webhook.unsupported_encoding',
      'webhook.not_json',
      'webhook.not_stored',
      'request.rate_limited',
    ],
  },
  {
    method: 'get',
    path: '/webhooks/{channel}',
    scope: null,
    summary: 'Answer the challenge with which some providers verify an address',
    params: byChannel,
    query: z.object({
      'hub.mode': z.literal('subscribe').optional(),
      'hub.verify_token': z.string().optional(),
      'hub.challenge': z.string().optional(),
    }),
    answers: { 200: { description: 'The challenge again', schema: z.string(), contentType: 'text/plain' } },
    errors: ['webhook.unknown_channel', 'request.not_found'],
  },
];

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
    const channel = channels.active(request.params.channel);
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
