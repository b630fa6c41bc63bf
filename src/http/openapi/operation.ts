/** Makes the operations of the document from the declarations of the routes. */
import type { z } from 'zod';

import { statusOf, type RequestErrorCode } from '../../domain/errors.js';
import type { Answer, RouteDescription } from '../routing/route.js';
import { problem } from '../shapes/problem.js';
import type { Schemas } from './schemas.js';

/** A request: to a route of this service, or from this service to a subscriber. */
export type RequestDescription = Pick<
  RouteDescription,
  | 'operationId'
  | 'summary'
  | 'description'
  | 'params'
  | 'query'
  | 'headers'
  | 'body'
  | 'bodyOptional'
  | 'bodyType'
  | 'answers'
>;

export function routeOperation(route: RouteDescription, schemas: Schemas): object {
  const { scope } = route;
  const isScope = scope !== 'public' && scope !== 'token';
  const description = [route.description, isScope && `Scope: \`${scope}\`.`].filter(Boolean).join('\n\n');
  const operation = requestOperation({ ...route, description }, schemas);
  return {
    ...operation,
    tags: [tagOf(route)],
    ...(isScope && { 'x-scope': scope }),
    security: securityOf(route),
    responses: { ...operation.responses, ...problemsOf(route, schemas) },
  };
}

interface Operation {
  readonly responses: Readonly<Record<string, object>>;
  readonly [member: string]: unknown;
}

export function requestOperation(request: RequestDescription, schemas: Schemas): Operation {
  const { operationId, summary, description, body, bodyType = 'application/json' } = request;
  const parameters = [
    ...parametersOf('path', request.params, schemas),
    ...parametersOf('query', request.query, schemas),
    ...parametersOf('header', request.headers, schemas),
  ];
  const content = body && { [bodyType]: { schema: schemas.of(body) } };
  return {
    operationId,
    summary,
    ...(description && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(content && { requestBody: { required: !request.bodyOptional, content } }),
    responses: Object.fromEntries(
      Object.entries(request.answers).map(([status, answer]) => [status, responseOf(answer, schemas)]),
    ),
  };
}

/** The first word of the path. */
export function tagOf({ path }: Pick<RouteDescription, 'path'>): string {
  return /^\/(?:v1\/)?([a-z-]+)/.exec(path)?.[1] ?? 'index';
}

/** One parameter for each member of the schema. */
function parametersOf(
  where: 'path' | 'query' | 'header',
  schema: z.ZodObject | undefined,
  schemas: Schemas,
): object[] {
  return Object.entries(schema?.shape ?? {}).map(([name, member]) => {
    const { description, ...json } = schemas.of(member as z.ZodType);
    return {
      name,
      in: where,
      ...(description !== undefined && { description }),
      required: !(member as z.ZodType).safeParse(undefined).success,
      schema: json,
    };
  });
}

/** A public route that may answer `auth.missing` checks a token itself. */
function securityOf({ scope, signedLink, errors = [] }: RouteDescription): Record<string, string[]>[] {
  if (scope === 'public' && !errors.includes('auth.missing')) return [];
  const byToken = [{ token: [] }, { session: [] }];
  return signedLink ? [...byToken, { 'link-expires': [], 'link-signature': [] }] : byToken;
}

function responseOf(answer: Answer, schemas: Schemas): object {
  const { description, schema, contentType = 'application/json', hasLocation, hasPage } = answer;
  const hasBody = schema !== undefined || answer.contentType !== undefined;
  return {
    description,
    ...(hasLocation && { headers: { Location: locationHeader } }),
    ...(hasBody && {
      content: {
        [contentType]: schema ? { schema: schemas.of(schema) } : {},
        ...(hasPage && { 'text/html': {} }),
      },
    }),
  };
}

const locationHeader = { description: 'The address of the created object', schema: { type: 'string' } };

/** The errors of the route and those that follow from its declaration, by status. */
function problemsOf(route: RouteDescription, schemas: Schemas): Readonly<Record<string, object>> {
  const byStatus = new Map<number, Set<RequestErrorCode>>();
  for (const code of [...commonErrors(route), ...(route.errors ?? [])]) {
    const status = statusOf(code);
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, problemOf([...codes], schemas)]));
}

function commonErrors(route: RouteDescription): RequestErrorCode[] {
  return [...inputErrors(route), ...callerErrors(route), 'internal'];
}

function inputErrors({ params, query, headers, body }: RouteDescription): RequestErrorCode[] {
  const hasInput = params ?? query ?? headers ?? body;
  return [...(hasInput ? fromInput : []), ...(body ? fromBody : [])];
}

function callerErrors({ method, path, scope, signedLink }: RouteDescription): RequestErrorCode[] {
  const isPublic = scope === 'public';
  return [
    ...(path.startsWith('/health/') ? [] : fromLoad),
    ...(isPublic ? [] : fromToken),
    ...(isPublic || scope === 'token' ? [] : fromScope),
    ...(!isPublic && method !== 'get' ? fromCookie : []),
    ...(signedLink ? fromLink : []),
  ];
}

const fromInput = ['request.invalid'] as const;
const fromBody = ['request.too_large', 'request.unsupported_type'] as const;
/** Health checks are never refused. */
const fromLoad = ['request.too_many_at_once', 'service.unavailable'] as const;
const fromToken = [
  'auth.missing',
  'auth.invalid',
  'auth.expired',
  'auth.revoked',
  'request.rate_limited',
] as const;
const fromScope = ['auth.scope'] as const;
const fromCookie = ['auth.csrf'] as const;
const fromLink = ['link.invalid', 'link.expired'] as const;

/** The errors whose responses have the header `Retry-After`. */
const withRetryAfter: readonly RequestErrorCode[] = [
  'request.rate_limited',
  'request.too_many_at_once',
  'service.unavailable',
];

function problemOf(codes: readonly RequestErrorCode[], schemas: Schemas): object {
  const ownCode = {
    type: 'object',
    properties: { code: { type: 'string', enum: codes } },
    required: ['code'],
  };
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    ...(codes.some((code) => withRetryAfter.includes(code)) && {
      headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
    }),
    content: { 'application/problem+json': { schema: { allOf: [schemas.of(problem), ownCode] } } },
  };
}
