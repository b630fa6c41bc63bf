/** Sessions for browsers: the token is stored in a cookie that scripts cannot read. */
import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { maxTokenLength } from '../../infra/secrets/token-signer.js';
import { letPass } from '../middleware/rate-limits.js';
import { cookieOptions, requireOwnPage, sessionCookie } from '../middleware/session-cookie.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { session, type SessionView } from '../shapes/administration.js';

const path = '/v1/session';
const ownPage = 'Requires the header `X-Inlet-Request: 1`.';
const maxSessionMs = 30 * 86_400_000;

const fromOwnPage: RequestHandler = (request, _, next) => {
  requireOwnPage(request);
  next();
};

export const signIn = route(
  {
    method: 'post',
    path,
    scope: 'public',
    operationId: 'signIn',
    summary: 'Sign in with a token',
    description: `Sets a cookie that replaces the token on the pages of this service. ${ownPage}`,
    openedBy: () => fromOwnPage,
    body: z.strictObject({
      token: z
        .string()
        .min(1)
        .max(
          maxTokenLength,
          `is longer than ${String(maxTokenLength)} characters, and browsers would not store it`,
        ),
    }),
    answers: { 200: { description: 'Signed in', schema: session, isSecret: true } },
    errors: ['auth.invalid', 'auth.expired', 'auth.revoked', 'auth.csrf', 'request.rate_limited'],
  },
  (services: Pick<RouteServices, 'audit' | 'failedSignInLimit' | 'now' | 'publicUrl' | 'tokens'>) => {
    const { audit, publicUrl, tokens, now } = services;
    return async ({ body, request, response }) => {
      const { token } = body;
      const bearer = await tokens.check(token).catch(async (error: unknown) => {
        if (error instanceof AppError && error.status === 401)
          await letPass(services.failedSignInLimit, request, response);
        throw error;
      });
      await audit.record({ actor: bearer.tokenId, actorName: bearer.name, action: 'session.create' });
      const untilEndMs = (bearer.expiresAt?.getTime() ?? Infinity) - now().getTime();
      response.cookie(sessionCookie, token, {
        ...cookieOptions(publicUrl),
        maxAge: Math.min(untilEndMs, maxSessionMs),
      });
      return sessionView(bearer, publicUrl);
    };
  },
);

export const getSession = route(
  {
    method: 'get',
    path,
    scope: 'token',
    operationId: 'getSession',
    summary: 'Get the current session',
    description: 'Works with any token.',
    answers: {
      200: { description: 'The scopes and channels of the token', schema: session, isSecret: true },
    },
  },
  ({ publicUrl }: Pick<RouteServices, 'publicUrl'>) =>
    ({ access }) =>
      sessionView(access, publicUrl),
);

export const signOut = route(
  {
    method: 'delete',
    path,
    scope: 'public',
    operationId: 'signOut',
    summary: 'Sign out',
    description: `Deletes the cookie; the token stays valid. ${ownPage}`,
    openedBy: () => fromOwnPage,
    answers: { 204: { description: 'Signed out' } },
    errors: ['auth.csrf'],
  },
  ({ publicUrl }: Pick<RouteServices, 'publicUrl'>) =>
    ({ response }) => {
      response.clearCookie(sessionCookie, cookieOptions(publicUrl));
      return undefined;
    },
);

function sessionView({ tokenId, scopes, channels }: Access, publicUrl: string): SessionView {
  return { tokenId, scopes: [...scopes], channels: channels && [...channels], publicUrl };
}
