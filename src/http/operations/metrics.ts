/** `GET /metrics`, for Prometheus. */
import { isIP } from 'node:net';

import type { Request, RequestHandler } from 'express';

import { authenticate } from '../middleware/authenticate.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';

export const getMetrics = rawRoute(
  {
    method: 'get',
    path: '/metrics',
    scope: 'public',
    openedBy: fromHereOrAdmin,
    operationId: 'getMetrics',
    summary: 'Get metrics for Prometheus',
    description:
      'From elsewhere than the machine itself, or through a proxy, it needs a token with the scope `admin`.',
    answers: { 200: { description: "Prometheus' text format", contentType: 'text/plain' } },
    errors: ['auth.missing', 'auth.invalid', 'auth.expired', 'auth.revoked', 'auth.scope'],
  },
  ({ metrics }: Pick<RouteServices, 'metrics' | 'tokens'>) =>
    async ({ response }) => {
      response
        .set('Cache-Control', 'no-store')
        .type(metrics.contentType)
        .send(await metrics.text());
    },
);

function fromHereOrAdmin({ tokens }: Pick<RouteServices, 'tokens'>): RequestHandler {
  const admin = authenticate(tokens, 'admin');
  return async (request, response, next) => {
    if (isFromHere(request)) next();
    else await admin(request, response, next);
  };
}

/** What a proxy on this machine passes on comes from its address, too, and says so. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

function isFromHere({ socket, headers }: Request): boolean {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const isLoopback = address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return isLoopback && !proxyHeaders.some((name) => Object.hasOwn(headers, name));
}
