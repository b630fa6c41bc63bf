/** How a browser gets the cookie of a session. */
import type { RequestHandler, Response } from 'express';

import type { Bearer } from '../../infra/secrets/token-signer.js';
import { cookieOptions, requireOwnPage, sessionCookie } from '../middleware/session-cookie.js';
import type { RouteServices } from '../services.js';
import type { SessionView } from '../shapes/user.js';
import { sessionView } from '../views/user.js';

/** The sentence for descriptions of routes that only pages of this service may call. */
export const ownPage = 'Requires the header `X-Inlet-Request: 1`.';

const maxSessionMs = 30 * 86_400_000;

/** Stands in front of routes that set or delete the cookie. */
export const fromOwnPage: RequestHandler = (request, _, next) => {
  requireOwnPage(request);
  next();
};

export type SessionServices = Pick<RouteServices, 'now' | 'publicUrl' | 'users'>;

/** Sets the cookie, for at most thirty days, and returns the body of the answer. */
export function answerSession(
  services: SessionServices,
  { token, bearer }: { readonly token: string; readonly bearer: Bearer },
  response: Response,
): Promise<SessionView> {
  const { publicUrl, now } = services;
  const untilEndMs = (bearer.expiresAt?.getTime() ?? Infinity) - now().getTime();
  response.cookie(sessionCookie, token, {
    ...cookieOptions(publicUrl),
    maxAge: Math.min(untilEndMs, maxSessionMs),
  });
  return sessionView(bearer, services);
}
