/** `GET /metrics`, for Prometheus. */
import { isIP } from 'node:net';

import { Router, type Request, type RequestHandler, type Response } from 'express';

import type { Metrics } from '../../infra/observability/metrics.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';

export interface MetricsServices {
  readonly tokens: Tokens;
  readonly metrics: Metrics;
}

export const metricsApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/metrics',
    scope: null,
    summary: 'Get metrics for Prometheus',
    description:
      'From elsewhere than the machine itself, or through a proxy, it needs a token with the scope `admin`.',
    errors: ['auth.missing', 'auth.invalid', 'auth.expired', 'auth.revoked', 'auth.scope'],
    answers: { 200: { description: "Prometheus' text format", contentType: 'text/plain' } },
  },
];

export function metricsRoutes({ tokens, metrics }: MetricsServices): Router {
  const router = Router();
  const admin = authenticate(tokens, 'admin');
  const fromHereOrAdmin: RequestHandler = async (request, response, next) => {
    if (isFromHere(request)) next();
    else await admin(request, response, next);
  };
  router.get('/metrics', fromHereOrAdmin, async (_: Request, response: Response) => {
    response
      .set('Cache-Control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.text());
  });
  router.all('/metrics', allowOnly('GET, HEAD'));
  return router;
}

/** What a proxy on this machine passes on comes from its address, too, and says so. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

function isFromHere({ socket, headers }: Request): boolean {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const isLoopback = address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return isLoopback && !proxyHeaders.some((name) => Object.hasOwn(headers, name));
}
