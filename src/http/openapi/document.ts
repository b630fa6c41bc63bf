/** The OpenAPI document, made of the lists that stand beside the routes. */
import { OpenApiGeneratorV31, OpenAPIRegistry, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

import { statusOf, type RequestErrorCode } from '../../domain/errors.js';
import { auditApi } from '../administration/audit.js';
import { channelApi } from '../administration/channels.js';
import { deliveryApi } from '../administration/deliveries.js';
import { sessionApi } from '../administration/session.js';
import { statsApi } from '../administration/stats.js';
import { tokenApi } from '../administration/tokens.js';
import type { ApiAnswer, ApiRoute } from '../api-route.js';
import { eventApi } from '../events/stream.js';
import { subscriptionApi } from '../events/subscriptions.js';
import { mediaApi } from '../media/api.js';
import { eraseApi } from '../media/erase.js';
import { mediaHistoryApi } from '../media/history.js';
import { uploadApi } from '../media/uploads.js';
import { sendingApi } from '../messages/api.js';
import { messageApi } from '../messages/by-provider-id.js';
import { healthApi } from '../operations/health.js';
import { metricsApi } from '../operations/metrics.js';
import { rootApi } from '../pages/root.js';
import { problem } from '../shapes/problem.js';
import { webhookApi } from '../webhooks/routes.js';
import { nameComponents } from './components.js';

type Responses = RouteConfig['responses'];

const documentApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/openapi.json',
    scope: null,
    summary: 'Get this document',
    answers: {
      200: { description: 'The document', schema: z.looseObject({ openapi: z.string() }) },
      304: { description: 'The caller has it already' },
    },
  },
];

/** Every route of the API. */
export const apiRoutes: readonly ApiRoute[] = [
  ...sendingApi,
  ...mediaApi,
  ...mediaHistoryApi,
  ...uploadApi,
  ...eraseApi,
  ...messageApi,
  ...deliveryApi,
  ...statsApi,
  ...eventApi,
  ...subscriptionApi,
  ...auditApi,
  ...tokenApi,
  ...sessionApi,
  ...channelApi,
  ...webhookApi,
  ...healthApi,
  ...metricsApi,
  ...documentApi,
  ...rootApi,
];

const description = `Every picture your customers send, received once, kept, previewed and easy to find.

Send an API token as \`Authorization: Bearer …\`; \`inlet token\` makes one (in a clone: \`npm run token\`). What it may do follows
from its scopes, which each operation names as \`x-scope\`; \`admin\` may do everything. A token that is limited to channels does not see that others exist.

Errors are \`application/problem+json\` (RFC 9457); programs go by \`code\`.`;

/** `publicUrl` is what all paths are appended to. */
export function openApiDocument(publicUrl: string): object {
  const registry = new OpenAPIRegistry();
  nameComponents();
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'inlet_session',
    description:
      'Made by `POST /v1/session`. Methods other than GET need the header `X-Inlet-Request: 1` as well.',
  });
  for (const name of ['expires', 'signature']) {
    registry.registerComponent('securitySchemes', `link-${name}`, {
      type: 'apiKey',
      in: 'query',
      name,
      description: 'Of a signed link, see `POST /v1/media/{id}/link`.',
    });
  }
  for (const route of apiRoutes) registry.registerPath(operation(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title: 'Inlet', version: '1', description },
    servers: [{ url: publicUrl }],
    tags: [...new Set(apiRoutes.map(tagOf))].map((name) => ({ name })),
  });
}

function operation(route: ApiRoute): RouteConfig {
  const { method, path, scope, summary, params, query, body, bodyType = 'application/json' } = route;
  const text = [route.description, scope && `Scope: \`${scope}\`.`].filter(Boolean).join('\n\n');
  return {
    method,
    path,
    summary,
    operationId: operationId(route),
    tags: [tagOf(route)],
    ...(text !== '' && { description: text }),
    ...(scope && { 'x-scope': scope }),
    security: securityOf(route),
    request: {
      ...(params && { params }),
      ...(query && { query }),
      ...(route.headers && { headers: route.headers }),
      ...(body && { body: { required: !route.bodyOptional, content: { [bodyType]: { schema: body } } } }),
    },
    responses: { ...answersOf(route), ...problemsOf(route) },
  };
}

/** The method and the words of the path: `postMediaByIdLink`. */
function operationId({ method, path }: ApiRoute): string {
  const words = path
    .replace(/^\/v1\//, '/')
    .replaceAll('{', 'by/')
    .split(/[^A-Za-z]+/);
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** The first word of the path. */
function tagOf({ path }: ApiRoute): string {
  return /^\/(?:v1\/)?([a-z]+)/.exec(path)?.[1] ?? 'others';
}

/** A route without a scope may want a token all the same, any at all: then it can be missing. */
function securityOf({ scope, signedLink, errors = [] }: ApiRoute): Record<string, string[]>[] {
  if (scope === null && !errors.includes('auth.missing')) return [];
  return [
    { token: [] },
    { session: [] },
    ...(signedLink ? [{ 'link-expires': [], 'link-signature': [] }] : []),
  ];
}

function answersOf({ answers }: ApiRoute): Responses {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, toResponse(answer)]));
}

function toResponse({ description, schema, contentType }: ApiAnswer): Responses[string] {
  if (!schema && contentType === undefined) return { description };
  return { description, content: { [contentType ?? 'application/json']: schema ? { schema } : {} } };
}

/** Its own problems and those that follow from how it is called, by status. */
function problemsOf(route: ApiRoute): Responses {
  const byStatus = new Map<number, Set<RequestErrorCode>>();
  for (const code of [...commonErrors(route), ...(route.errors ?? [])]) {
    const status = statusOf(code);
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, toProblem([...codes])]));
}

function commonErrors({ method, scope, signedLink, params, query, body }: ApiRoute): RequestErrorCode[] {
  return [
    ...(params || query || body ? fromInput : []),
    ...(body ? fromBody : []),
    ...(scope ? fromToken : []),
    ...(scope && method !== 'get' ? fromCookie : []),
    ...(signedLink ? fromLink : []),
    'internal',
  ];
}

const fromInput = ['request.invalid'] as const;
const fromBody = ['request.too_large', 'request.unsupported_type'] as const;
const fromToken = [
  'auth.missing',
  'auth.invalid',
  'auth.expired',
  'auth.revoked',
  'auth.scope',
  'request.rate_limited',
  'request.too_many_at_once',
  'service.unavailable',
] as const;
const fromCookie = ['auth.csrf'] as const;
const fromLink = ['link.invalid', 'link.expired'] as const;

/** Their answers say when to come back. */
const withRetryAfter: readonly RequestErrorCode[] = [
  'request.rate_limited',
  'request.too_many_at_once',
  'service.unavailable',
];

function toProblem(codes: readonly RequestErrorCode[]): Responses[string] {
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    ...(codes.some((code) => withRetryAfter.includes(code)) && {
      headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
    }),
    content: {
      'application/problem+json': {
        schema: problem.and(z.object({ code: z.enum(codes) })),
      },
    },
  };
}
