/** Invitations, for people who have the link of one. Its secret is sent in the body, which is never logged. */
import { z } from 'zod';

import { letPass } from '../middleware/rate-limits.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { invitation, session } from '../shapes/user.js';
import { answerSession, fromOwnPage, ownPage, type SessionServices } from './session-answer.js';
import { givenPassword, remember } from './session.js';

const secret = z.string().min(1).max(100);
const errors = ['invitation.not_found', 'auth.csrf', 'request.rate_limited', 'service.unavailable'] as const;

export const checkInvitation = route(
  {
    method: 'post',
    path: '/v1/invitations/check',
    scope: 'public',
    operationId: 'checkInvitation',
    summary: 'Get whom an invitation is for',
    description: ownPage,
    openedBy: () => fromOwnPage,
    body: z.strictObject({ secret }),
    answers: { 200: { description: 'The invitation', schema: invitation, isSecret: true } },
    errors,
  },
  ({ invitations, signInLimit }: Pick<RouteServices, 'invitations' | 'signInLimit'>) =>
    async ({ body, request, response }) => {
      await letPass(signInLimit, request, response);
      const { email, name, passwordHash, invitationExpiresAt } = await invitations.check(body.secret);
      return {
        email,
        name,
        purpose: passwordHash === null ? ('invite' as const) : ('reset' as const),
        expiresAt: invitationExpiresAt?.toISOString() ?? '',
      };
    },
);

export const acceptInvitation = route(
  {
    method: 'post',
    path: '/v1/invitations/accept',
    scope: 'public',
    operationId: 'acceptInvitation',
    summary: 'Set a password with an invitation, and sign in',
    description: `Ends all earlier sessions of the user, and sets the cookie of a new one. The link is used up. ${ownPage}`,
    openedBy: () => fromOwnPage,
    body: z.strictObject({ secret, password: givenPassword, remember }),
    answers: { 200: { description: 'Signed in', schema: session, isSecret: true } },
    errors,
  },
  (services: SessionServices & Pick<RouteServices, 'invitations' | 'signInLimit'>) =>
    async ({ body, request, response }) => {
      await letPass(services.signInLimit, request, response);
      return answerSession(services, await services.invitations.accept(body), response);
    },
);
