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
  const all = headersOf(helmet(optionsFor(publicUrl)));
  const ofApi = apiSecurityHeaders(publicUrl);
  return (request, response, next) => {
    for (const [name, value] of request.path.startsWith('/v1/') ? ofApi : all)
      response.setHeader(name, value);
    next();
  };
}

/**
 * The headers of answers of the API. Those that concern links in pages, and browsers that the gallery does not
 * support, are left out: all of them together take a fifth of the time of a small answer.
 */
export function apiSecurityHeaders(publicUrl: string): readonly Header[] {
  return headersOf(
    helmet({
      ...optionsFor(publicUrl),
      originAgentCluster: false,
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
    }),
  );
}

function optionsFor(publicUrl: string) {
  const encrypted = publicUrl.startsWith('https:');
  return {
    strictTransportSecurity: encrypted,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: encrypted ? [] : null } },
  };
}

type Header = readonly [name: string, value: string];

/**
 * The headers that helmet sets, which are the same for every answer: its own chain of handlers takes several
 * times as long.
 */
function headersOf(
  handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void,
): readonly Header[] {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  handler(request, response, () => undefined);
  return Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]);
}

/** The policy of a page of this service, which replaces the general one and allows only what it names. */
export function pagePolicy(directives: Directives): RequestHandler {
  const policy = pagePolicyText(directives);
  return (_request, response, next) => {
    response.set('Content-Security-Policy', policy);
    next();
  };
}

/** The policy of {@link pagePolicy} as text. */
export function pagePolicyText(directives: Directives): string {
  return Object.entries({
    'default-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
    ...directives,
  })
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ');
}
