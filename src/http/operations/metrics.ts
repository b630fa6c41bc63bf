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
    openedBy: localOrAdmin,
    operationId: 'getMetrics',
    summary: 'Get metrics for Prometheus',
    description: 'Requests from other machines or through a proxy need a token with the scope `admin`.',
    answers: { 200: { description: 'The text format of Prometheus', contentType: 'text/plain' } },
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

function localOrAdmin({ tokens }: Pick<RouteServices, 'tokens'>): RequestHandler {
  const admin = authenticate(tokens, 'admin');
  return async (request, response, next) => {
    if (isLocal(request)) next();
    else await admin(request, response, next);
  };
}

/** A proxy on this machine also has a local address, but adds one of these headers. */
const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

function isLocal({ socket, headers }: Request): boolean {
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const isLoopback = address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
  return isLoopback && !proxyHeaders.some((name) => Object.hasOwn(headers, name));
}
