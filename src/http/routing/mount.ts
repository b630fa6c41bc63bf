/**
 * Mounts declared routes in Express: authentication, limits, validation, responses, and 405 for the other
 * methods of their paths.
 */
import type { Express, Request, RequestHandler, Response } from 'express';

import { AppError } from '../../domain/errors.js';
import type { LinkSigner } from '../../domain/signed-link.js';
import type { Tokens } from '../../pipeline/tokens.js';
import { parseInput, queryOf } from '../input.js';
import { sendCompressedJson, sendJson } from '../json-answer.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import type { LoadLimits } from '../middleware/load-limits.js';
import { openedByLink } from '../middleware/signed-link.js';
import { methods, type Route, type RouteDescription } from './route.js';

export interface Mounting<Services> {
  readonly services: Services & MountServices;
  readonly limits: {
    /** The limits for tokens, whose requests are also counted per minute. */
    readonly ofTokens: LoadLimits;
    /** The limits for signed links, which all count as one caller. */
    readonly ofLinks: LoadLimits;
  };
  readonly bodies: {
    readonly json: RequestHandler;
    /** JSON that may contain a file. */
    readonly jsonWithFile: RequestHandler;
  };
}

interface MountServices {
  readonly tokens: Pick<Tokens, 'check'>;
  readonly links: LinkSigner;
  readonly now: () => Date;
}

/** Mounts the routes path by path, in the order in which the paths first appear. */
export function mount<Services>(
  app: Express,
  routes: readonly Route<Services>[],
  mounting: Mounting<Services>,
): void {
  for (const path of new Set(routes.map((route) => route.path))) {
    const ofPath = routes.filter((route) => route.path === path);
    for (const route of ofPath)
      for (const chain of chainsOf(route, mounting)) app[route.method](expressPath(path), chain);
    app.all(expressPath(path), allowOnly(allowedMethods(ofPath)));
  }
}

/** Express spells parameters with a colon. */
function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** The methods of a path, in a fixed order. Express handles HEAD wherever there is GET. */
function allowedMethods(routes: readonly RouteDescription[]): string {
  const known = methods.filter((method) => routes.some((route) => route.method === method));
  return known.map((method) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase())).join(', ');
}

/** The handlers of a route. A route that accepts signed links has a second chain for them. */
function chainsOf<Services>(route: Route<Services>, mounting: Mounting<Services>): RequestHandler[][] {
  const { services, limits } = mounting;
  const handler = handlerOf(route, services);
  const main = [...stepsBefore(route, mounting), handler];
  if (!route.signedLink) return [main];
  return [[openedByLink(services), limited(route, limits.ofLinks), handler], main];
}

/** The steps before the handler of a route. */
function stepsBefore<Services>(route: Route<Services>, mounting: Mounting<Services>): RequestHandler[] {
  const { bodies } = mounting;
  const checks = [authenticationOf(route, mounting.services), limitOf(route, mounting)];
  const isJson = !route.isRaw && route.body !== undefined;
  // A file is read only for a caller with a token, and within the limit of uploads.
  const steps =
    route.limit === 'upload'
      ? [...checks, isJson && bodies.jsonWithFile]
      : [isJson && bodies.json, ...checks];
  return steps.filter((step) => step !== false);
}

function authenticationOf<Services>(
  { scope, openedBy }: Route<Services>,
  services: Services & MountServices,
): RequestHandler | false {
  if (openedBy) return openedBy(services);
  if (scope === 'public') return false;
  return authenticate(services.tokens, scope === 'token' ? null : scope);
}

function limitOf<Services>(route: Route<Services>, { limits }: Mounting<Services>): RequestHandler | false {
  if (route.scope !== 'public') return limited(route, limits.ofTokens);
  return route.limit !== undefined && limited(route, limits.ofLinks);
}

function limited<Services>({ limit = 'query' }: Route<Services>, limits: LoadLimits): RequestHandler {
  if (typeof limit === 'string') return limits[limit];
  return (request, response, next) => {
    void limits[limit(request)](request, response, next);
  };
}

function handlerOf<Services>(route: Route<Services>, services: Services): RequestHandler {
  const answer = route.make(services);
  return async (request, response) => {
    const access = route.scope === 'public' ? undefined : accessOf(response);
    // The declaration binds the handler to these schemas, so the call has the expected type.
    const body = await answer({ ...inputOf(route, request), access, request, response } as never);
    if (!route.isRaw) await send(route, { request, response, body });
  };
}

/** The handler of a raw route parses the body itself. */
function inputOf<Services>(route: Route<Services>, request: Request): Readonly<Record<string, unknown>> {
  const { query, body, headers } = route;
  return {
    params: paramsOf(route, request),
    query: query && parseInput(query, queryOf(request)),
    body: body && !route.isRaw ? parseInput(body, bodyOf(route, request)) : undefined,
    headers: headers && parseInput(headers, headersOf(Object.keys(headers.shape), request)),
  };
}

function paramsOf<Services>({ params, notFound }: Route<Services>, request: Request): unknown {
  if (!params || !notFound) return params && parseInput(params, request.params);
  const parsed = params.safeParse(request.params);
  if (!parsed.success) throw notFound();
  return parsed.data;
}

/** The parser skips a body of another type, and a caller must not believe that it was understood. */
function bodyOf({ bodyOptional }: RouteDescription, request: Request): unknown {
  const body: unknown = request.body;
  if (body === undefined && hasBody(request))
    throw new AppError(
      'request.unsupported_type',
      'send the body as JSON, with Content-Type: application/json',
    );
  return bodyOptional ? (body ?? {}) : body;
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function headersOf(names: readonly string[], request: Request): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.map((name) => [name, request.get(name)]));
}

async function send(
  { answers, path }: RouteDescription,
  { request, response, body }: { request: Request; response: Response; body: unknown },
): Promise<void> {
  for (const [status, { schema, hasLocation, isSecret }] of Object.entries(answers)) {
    response.status(Number(status));
    if (isSecret) response.set('Cache-Control', 'no-store');
    if (hasLocation) response.location(`${path}/${idOf(body)}`);
    if (!schema) response.end();
    else if (isSecret) sendJson(response, JSON.stringify(body));
    else await sendCompressedJson(request, response, JSON.stringify(body));
  }
}

function idOf(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'id' in body) return String(body.id);
  throw new Error('an answer with a Location has no id');
}
