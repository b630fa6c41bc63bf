import type { RequestHandler } from 'express';
import helmet from 'helmet';

type Directives = Readonly<Record<string, readonly string[]>>;

/**
 * What browsers must not do with any answer. Whether they are told to use https from now on follows from `publicUrl`: over
 * plain http, HSTS and `upgrade-insecure-requests` would send them to an address where nobody listens.
 */
export function securityHeaders(publicUrl: string): RequestHandler {
  const encrypted = publicUrl.startsWith('https:');
  return helmet({
    strictTransportSecurity: encrypted,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: encrypted ? [] : null } },
  });
}

/** The policy of a page of our own, in place of the one for all answers: nothing is allowed that it does not name. */
export function pagePolicy(directives: Directives): RequestHandler {
  const policy = Object.entries({
    'default-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
    ...directives,
  })
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ');
  return (_request, response, next) => {
    response.set('Content-Security-Policy', policy);
    next();
  };
}
