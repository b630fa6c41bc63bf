/** The cookie of people who have signed in, and what keeps other sites from using it. */
import type { IncomingMessage } from 'node:http';

import type { CookieOptions } from 'express';

import { AppError } from '../../domain/errors.js';
import { basePathOf } from './base-path.js';

export const sessionCookie = 'inlet_session';

/**
 * Scripts cannot read it, other sites cannot send it, and where the service is called over TLS it is sent
 * over nothing else. Where the service has a path of its own, the cookie is not for what stands beside it.
 */
export function cookieOptions(publicUrl: string): CookieOptions {
  const path = basePathOf(publicUrl) || '/';
  return { httpOnly: true, sameSite: 'strict', path, secure: publicUrl.startsWith('https:') };
}

/** The token in the cookie. */
export function cookieToken(request: Pick<IncomingMessage, 'headers'>): string | undefined {
  return cookieValue(request, sessionCookie);
}

/** The value of a cookie. One that came twice has none: which of them is ours cannot be told. */
export function cookieValue(request: Pick<IncomingMessage, 'headers'>, cookie: string): string | undefined {
  const named = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${cookie}=`));
  return named.length === 1 ? named[0]?.slice(cookie.length + 1) : undefined;
}

/**
 * Throws `auth.csrf` unless a page of ours asks. A foreign site cannot set the header without a preflight,
 * which nobody here answers; and browsers say of themselves where a request comes from.
 */
export function requireOwnPage({ headers }: Pick<IncomingMessage, 'headers'>): void {
  const site = headers['sec-fetch-site'];
  if (headers['x-inlet-request'] === '1' && (site === undefined || site === 'same-origin')) return;
  throw new AppError(
    'auth.csrf',
    'with a session, send the header X-Inlet-Request: 1 from a page of this service',
  );
}
