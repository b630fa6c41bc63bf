/** Sessions for browsers: the token is stored in a cookie that scripts cannot read. */
import type { Request, Response } from 'express';
import { z } from 'zod';

import { signedInUser } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { maxPasswordLength } from '../../domain/user.js';
import { maxTokenLength, type Bearer } from '../../infra/secrets/token-signer.js';
import { tokenOf } from '../middleware/authenticate.js';
import { letPass } from '../middleware/rate-limits.js';
import { cookieOptions, sessionCookie } from '../middleware/session-cookie.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { session } from '../shapes/user.js';
import { sessionView } from '../views/user.js';
import { answerSession, fromOwnPage, ownPage, type SessionServices } from './session-answer.js';

const path = '/v1/session';

/** A password that is given; the rules for chosen ones are in the domain. */
export const givenPassword = z
  .string()
  .min(1)
  .max(2 * maxPasswordLength);
export const remember = z
  .boolean()
  .default(false)
  .meta({ description: 'Whether the session lasts for thirty days instead of twelve hours' });

const signInRequest = z
  .strictObject({
    token: z
      .string()
      .min(1)
      .max(
        maxTokenLength,
        `is longer than ${String(maxTokenLength)} characters, and browsers would not store it`,
      )
      .optional()
      .meta({ description: 'An API token; without an e-mail address and a password' }),
    email: z.string().trim().min(1).max(254).toLowerCase().optional(),
    password: givenPassword.optional(),
    remember,
  })
  .superRefine(({ token, email, password }, context) => {
    const hasPassword = email !== undefined && password !== undefined;
    const isOneWay = token === undefined ? hasPassword : email === undefined && password === undefined;
    if (isOneWay) return;
    const message = 'must be sent alone, or an e-mail address with a password instead';
    context.addIssue({ code: 'custom', path: ['token'], message });
  });

type SignInServices = SessionServices &
  Pick<RouteServices, 'audit' | 'failedSignInLimit' | 'sessions' | 'signInLimit' | 'tokens'>;

export const signIn = route(
  {
    method: 'post',
    path,
    scope: 'public',
    operationId: 'signIn',
    summary: 'Sign in with a password or a token',
    description: `Sets a cookie that replaces the token on the pages of this service. A wrong password is answered like an e-mail address that nobody has. ${ownPage}`,
    openedBy: () => fromOwnPage,
    body: signInRequest,
    answers: { 200: { description: 'Signed in', schema: session, isSecret: true } },
    errors: [
      'auth.invalid',
      'auth.expired',
      'auth.revoked',
      'auth.csrf',
      'request.rate_limited',
      'service.unavailable',
    ],
  },
  (services: SignInServices) =>
    async ({ body, request, response }) => {
      const { token, email = '', password = '', remember: isLong } = body;
      if (token !== undefined) {
        const bearer = await signInWithToken(services, token, { request, response });
        return answerSession(services, { token, bearer }, response);
      }
      await letPass(services.signInLimit, request, response);
      const begun = await services.sessions.signIn({ email, password }, { remember: isLong });
      return answerSession(services, begun, response);
    },
);

async function signInWithToken(
  { audit, failedSignInLimit, tokens }: SignInServices,
  token: string,
  { request, response }: { readonly request: Request; readonly response: Response },
): Promise<Bearer> {
  const bearer = await tokens.check(token).catch(async (error: unknown) => {
    if (error instanceof AppError && error.status === 401)
      await letPass(failedSignInLimit, request, response);
    throw error;
  });
  await audit.record({ actor: bearer.tokenId, actorName: bearer.name, action: 'session.create' });
  return bearer;
}

export const getSession = route(
  {
    method: 'get',
    path,
    scope: 'token',
    operationId: 'getSession',
    summary: 'Get the current session',
    description: 'Works with any token.',
    answers: {
      200: { description: 'The user, and the scopes and channels', schema: session, isSecret: true },
    },
  },
  (services: Pick<RouteServices, 'publicUrl' | 'users'>) =>
    ({ access }) =>
      sessionView(access, services),
);

export const signOut = route(
  {
    method: 'delete',
    path,
    scope: 'public',
    operationId: 'signOut',
    summary: 'Sign out',
    description: `Deletes the cookie, and ends the session of a user in all processes. An API token stays valid. ${ownPage}`,
    openedBy: () => fromOwnPage,
    answers: { 204: { description: 'Signed out' } },
    errors: ['auth.csrf', 'service.unavailable'],
  },
  ({ publicUrl, sessions, tokens }: Pick<RouteServices, 'publicUrl' | 'sessions' | 'tokens'>) =>
    async ({ request, response }) => {
      const bearer = verifiedBearer(tokens, request);
      if (bearer && signedInUser(bearer) !== undefined) await sessions.end(bearer.tokenId, bearer.tokenId);
      response.clearCookie(sessionCookie, cookieOptions(publicUrl));
      return undefined;
    },
);

/** Undefined without a valid token: signing out twice is no error. */
function verifiedBearer(
  tokens: Pick<RouteServices['tokens'], 'verify'>,
  request: Request,
): Bearer | undefined {
  try {
    return tokens.verify(tokenOf(request));
  } catch {
    return undefined;
  }
}

export const changePassword = route(
  {
    method: 'put',
    path: `${path}/password`,
    scope: 'token',
    operationId: 'changePassword',
    summary: 'Change the own password',
    description:
      'Ends all sessions of the user and begins a new one, whose cookie it sets. For users with a password only.',
    body: z.strictObject({ current: givenPassword, password: givenPassword }),
    answers: { 200: { description: 'The new session', schema: session, isSecret: true } },
    errors: ['auth.wrong_password', 'user.no_password', 'service.unavailable'],
  },
  (services: SessionServices & Pick<RouteServices, 'invitations'>) =>
    async ({ body, access, response }) => {
      const user = signedInUser(access);
      if (user === undefined) throw new AppError('user.no_password', 'an API token has no password');
      const begun = await services.invitations.changePassword({ user, ...body });
      return answerSession(services, begun, response);
    },
);
