import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

import type { RequestHandler } from 'express';
import helmet from 'helmet';

type Directives = Readonly<Record<string, readonly string[]>>;

/**
 * Restricts what browsers may do with any response. HSTS and `upgrade-insecure-requests` are only set if
 * `publicUrl` uses https: otherwise, browsers would request an address where nothing listens.
 */
export function securityHeaders(publicUrl: string): RequestHandler {
  const encrypted = publicUrl.startsWith('https:');
  const headers = headersOf(
    helmet({
      strictTransportSecurity: encrypted,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: encrypted ? [] : null } },
    }),
  );
  return (_request, response, next) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    next();
  };
}

/** The headers that helmet sets, which are the same for every answer: its own chain of handlers takes several times as long. */
function headersOf(
  handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void,
): readonly (readonly [name: string, value: string])[] {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  handler(request, response, () => undefined);
  return Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]);
}

/** The policy of a page of this service, which replaces the general one and allows only what it names. */
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
