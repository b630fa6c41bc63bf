/** The ways of signing in, and the one with the company's identity provider: two addresses for browsers. */
import type { CookieOptions, Request, Response } from 'express';
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type { ProviderSignIn } from '../../pipeline/users/provider-sign-in.js';
import { ticketMs } from '../../pipeline/users/sign-in-tickets.js';
import { basePathOf } from '../middleware/base-path.js';
import { translate } from '../middleware/errors.js';
import { letPass } from '../middleware/rate-limits.js';
import { cookieOptions, cookieValue } from '../middleware/session-cookie.js';
import { rawRoute, route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { waysOfSignIn } from '../shapes/user.js';
import { answerSession, type SessionServices } from './session-answer.js';

const path = '/v1/sign-in';

export const getSignIn = route(
  {
    method: 'get',
    path,
    scope: 'public',
    operationId: 'getSignIn',
    summary: 'Get the ways of signing in',
    answers: { 200: { description: 'The ways of signing in', schema: waysOfSignIn } },
    errors: ['service.unavailable'],
  },
  ({ hasPasswords, providerSignIn }: Pick<RouteServices, 'hasPasswords' | 'providerSignIn'>) =>
    async () => ({
      passwords: await hasPasswords(),
      oidc: providerSignIn ? { name: providerSignIn.name } : null,
    }),
);

type SignInServices = SessionServices &
  Pick<RouteServices, 'logger' | 'providerSignIn' | 'providerSignInLimit'>;

const home = '/admin/';
/** A path of the gallery; nothing in it leads out of the gallery again. */
const galleryPath = z
  .string()
  .max(500)
  .regex(/^\/admin(?:\/[\w~%+.-]*)*(?:\?[\w~%+.=&-]*)?$/)
  .refine((text) => !/(?:\.|%2e){2}|\/\//i.test(text))
  .catch(home);

const errors = ['oidc.not_configured', 'request.rate_limited'] as const;
const toGallery = {
  303: {
    description: 'The gallery; after a refusal, `#refused=` and the code of an error follow its address',
  },
} as const;

export const beginProviderSignIn = rawRoute(
  {
    method: 'get',
    path: `${path}/oidc`,
    scope: 'public',
    operationId: 'beginProviderSignIn',
    summary: 'Sign in with the identity provider',
    description:
      'For browsers: sets a cookie for this attempt, and leads to the page of the provider. If the provider does not answer, it leads back to the gallery.',
    query: z.object({
      to: z.string().optional().meta({ description: 'The page of the gallery to open afterwards' }),
    }),
    answers: toGallery,
    errors,
  },
  (services: SignInServices) =>
    async ({ query, request, response }) => {
      const provider = configured(services);
      await orRefuse(services, response, async () => {
        await letPass(services.providerSignInLimit, request, response);
        const { url, ticket } = await provider.begin(galleryPath.parse(query.to ?? home));
        response.cookie(ticketCookie, ticket, { ...ticketOptions(services.publicUrl), maxAge: ticketMs });
        return url.href;
      });
    },
);

export const finishProviderSignIn = rawRoute(
  {
    method: 'get',
    path: `${path}/oidc/callback`,
    scope: 'public',
    operationId: 'finishProviderSignIn',
    summary: 'Come back from the identity provider',
    description:
      'The redirect address of the client at the provider. Checks the answer, sets the cookie of a session, and leads to the gallery.',
    answers: toGallery,
    errors,
  },
  (services: SignInServices) =>
    async ({ request, response }) => {
      const provider = configured(services);
      await orRefuse(services, response, async () => {
        await letPass(services.providerSignInLimit, request, response);
        const ticket = cookieValue(request, ticketCookie);
        // Each attempt has one answer.
        response.clearCookie(ticketCookie, ticketOptions(services.publicUrl));
        const { session, goingTo } = await provider.finish({ ticket, search: searchOf(request) });
        await answerSession(services, session, response);
        return `${services.publicUrl}${goingTo}`;
      });
    },
);

const ticketCookie = 'inlet_sign_in';

/** A browser must also send it when the provider's page leads back here, which is another site. */
function ticketOptions(publicUrl: string): CookieOptions {
  return {
    ...cookieOptions(publicUrl),
    sameSite: 'lax',
    path: `${basePathOf(publicUrl)}${path}/oidc`,
  };
}

/** Whether the answer leads to the provider or signs in. */
export function isAccepted(response: Pick<Response, 'getHeader'>): boolean {
  return !String(response.getHeader('location')).includes(refusedPart);
}

const refusedPart = '#refused=';

/** Leads on to the address, or to the page for signing in, which explains the code. */
async function orRefuse(
  { publicUrl, logger }: SignInServices,
  response: Response,
  work: () => Promise<string>,
): Promise<void> {
  response.set('Cache-Control', 'no-store');
  try {
    response.status(303).location(await work());
  } catch (error) {
    const { code, status } = translate(error);
    if (status >= 500 && !(error instanceof AppError))
      logger.error({ code, err: error }, 'a sign-in with OpenID Connect failed');
    response.status(303).location(`${publicUrl}${home}${refusedPart}${code}`);
  }
  response.end();
}

function configured({ providerSignIn }: SignInServices): ProviderSignIn {
  if (providerSignIn) return providerSignIn;
  throw new AppError('oidc.not_configured', 'there is no identity provider: set OIDC_ISSUER');
}

function searchOf({ originalUrl }: Request): string {
  const at = originalUrl.indexOf('?');
  return at === -1 ? '' : originalUrl.slice(at);
}
