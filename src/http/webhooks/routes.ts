/** Handles `/webhooks/:channel` in Express: handshakes, and webhooks that the intake has refused. */
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import { letPass } from '../middleware/rate-limits.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { receipt } from '../shapes/message.js';
import { singleParameters } from './intake.js';

const path = '/webhooks/{channel}';
const byChannel = z.object({ channel: z.string() });
/** A request with other values is not a handshake. */
const challengeQuery = z.looseObject({
  'hub.mode': z.literal('subscribe').optional().catch(undefined),
  'hub.verify_token': z.string().optional().catch(undefined),
  'hub.challenge': z.string().optional().catch(undefined),
});

export const receiveWebhook = rawRoute(
  {
    method: 'post',
    path,
    scope: 'public',
    operationId: 'receiveWebhook',
    summary: 'Receive a webhook of a provider',
    description: 'Authentication and body depend on the provider. The response never waits for a download.',
    params: byChannel,
    notFound: unknownChannel,
    body: z.unknown(),
    answers: { 200: { description: 'The webhook is stored', schema: receipt } },
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
  ({ refusals, failedProofLimit }: Pick<RouteServices, 'refusals' | 'failedProofLimit'>) =>
    async ({ request, response }) => {
      const refusal = refusals.get(request);
      if (isFailedProof(refusal)) await letPass(failedProofLimit, request, response);
      throw (refusal ?? new AppError('request.not_found', 'this is not a webhook')) as Error;
    },
);

export const answerChallenge = rawRoute(
  {
    method: 'get',
    path,
    scope: 'public',
    operationId: 'answerWebhookChallenge',
    summary: 'Answer the challenge of providers that verify an address',
    params: byChannel,
    notFound: unknownChannel,
    query: challengeQuery,
    answers: { 200: { description: 'The challenge', schema: z.string(), contentType: 'text/plain' } },
    errors: ['webhook.unknown_channel', 'request.not_found'],
  },
  ({ channels }: Pick<RouteServices, 'channels'>) =>
    ({ params, request, response }) => {
      const channel = channels.active(params.channel);
      if (!channel) throw unknownChannel();
      const answer = channel.adapter.handshake?.(singleParameters(request));
      if (answer === undefined) throw new AppError('request.not_found', 'use POST for webhooks');
      response.set('X-Content-Type-Options', 'nosniff').type('text/plain').send(answer);
    },
);

function isFailedProof(refusal: unknown): boolean {
  return (
    refusal instanceof AppError &&
    (refusal.code === 'webhook.unproven' || refusal.code === 'webhook.unsigned')
  );
}

function unknownChannel(): AppError {
  return new AppError('webhook.unknown_channel', 'there is no such channel');
}
