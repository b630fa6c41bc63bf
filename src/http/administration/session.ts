/** Signing in with a token, for people with a browser: the token goes into a cookie that scripts cannot read. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import type { Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { maxTokenLength } from '../../infra/secrets/token-signer.js';
import type { Audit } from '../../infra/tables/audit.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { parseInput } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import { cookieOptions, requireOwnPage, sessionCookie } from '../middleware/session-cookie.js';
import { session, type SessionView } from '../shapes/administration.js';

export interface SessionServices {
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly publicUrl: string;
  readonly now: () => Date;
}

interface SessionLimits {
  readonly limit: RequestHandler;
  /** Asked when a sign-in has failed; answers itself when there were too many. */
  readonly failedSignInLimit: RequestHandler;
}

export const signIn = z.strictObject({
  token: z
    .string()
    .min(1)
    .max(maxTokenLength, `is longer than ${String(maxTokenLength)} characters: a browser would not keep it`),
});

const ownPage = 'Needs the header `X-Inlet-Request: 1`.';
export const sessionApi: readonly ApiRoute[] = [
  {
    method: 'post',
    path: '/v1/session',
    scope: null,
    summary: 'Sign in with a token',
    description: `Sets a cookie that stands for the token on this service's own pages. ${ownPage}`,
    body: signIn,
    answers: { 200: { description: 'Signed in', schema: session } },
    errors: ['auth.invalid', 'auth.expired', 'auth.revoked', 'auth.csrf', 'request.rate_limited'],
  },
  {
    method: 'get',
    path: '/v1/session',
    scope: null,
    summary: 'Show who is signed in',
    description: 'Any token will do.',
    answers: { 200: { description: 'The token that asks', schema: session } },
    errors: ['auth.missing', 'auth.invalid', 'auth.expired', 'auth.revoked'],
  },
  {
    method: 'delete',
    path: '/v1/session',
    scope: null,
    summary: 'Sign out',
    description: `Takes the cookie back; the token goes on to hold. ${ownPage}`,
    answers: { 204: { description: 'Signed out' } },
    errors: ['auth.csrf'],
  },
];

const longestMs = 30 * 86_400_000;

export function sessionRoutes(
  services: SessionServices,
  { limit, failedSignInLimit }: SessionLimits,
): Router {
  const { tokens, audit, publicUrl, now } = services;
  const router = Router();
  const path = '/v1/session';

  router.post(path, async (request: Request, response: Response, next) => {
    requireOwnPage(request);
    const { token } = parseInput(signIn, request.body);
    const bearer = await tokens.check(token).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.status !== 401) throw error;
      void failedSignInLimit(request, response, (tooMany?: unknown) => {
        next(tooMany ?? error);
      });
    });
    if (!bearer) return;
    await audit.record({ actor: bearer.tokenId, actorName: bearer.name, action: 'session.create' });
    const untilEndMs = (bearer.expiresAt?.getTime() ?? Infinity) - now().getTime();
    response.cookie(sessionCookie, token, {
      ...cookieOptions(publicUrl),
      maxAge: Math.min(untilEndMs, longestMs),
    });
    answer(response, sessionView(bearer, publicUrl));
  });

  router.get(path, authenticate(tokens, null), limit, (_: Request, response: Response) => {
    answer(response, sessionView(accessOf(response), publicUrl));
  });

  router.delete(path, (request: Request, response: Response) => {
    requireOwnPage(request);
    response.clearCookie(sessionCookie, cookieOptions(publicUrl)).status(204).end();
  });

  router.all(path, allowOnly('GET, HEAD, POST, DELETE'));
  return router;
}

function answer(response: Response, view: SessionView): void {
  response.set('Cache-Control', 'no-store').json(view);
}

function sessionView({ tokenId, scopes, channels }: Access, publicUrl: string): SessionView {
  return { tokenId, scopes: [...scopes], channels: channels && [...channels], publicUrl };
}
