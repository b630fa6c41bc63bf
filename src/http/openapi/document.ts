/** The OpenAPI document, made from the declarations of the routes. */
import type { ProviderKind } from '../../domain/provider-kind.js';
import { eventWebhook } from '../events/webhook.js';
import type { RouteDescription } from '../routing/route.js';
import { routes } from '../routes.js';
import { requestOperation, routeOperation, tagOf } from './operation.js';
import { createSchemas, type Schemas } from './schemas.js';
import { sendOptionSchemas } from './send-options.js';

const description = `Every picture your customers send, received once, kept, previewed and easy to find.

Send an API token as \`Authorization: Bearer …\`; \`inlet token\` makes one (in a clone: \`npm run token\`). What it may do follows
from its scopes, which each operation names as \`x-scope\`; \`admin\` may do everything. A token that is limited to channels does not see that others exist.

Errors are \`application/problem+json\` (RFC 9457); programs go by \`code\`.`;

const linkDescription = 'Of a signed link, see `POST /v1/media/{id}/link`.';
const securitySchemes = {
  token: { type: 'http', scheme: 'bearer' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'inlet_session',
    description:
      'Made by `POST /v1/session`. Methods other than GET need the header `X-Inlet-Request: 1` as well.',
  },
  'link-expires': { type: 'apiKey', in: 'query', name: 'expires', description: linkDescription },
  'link-signature': { type: 'apiKey', in: 'query', name: 'signature', description: linkDescription },
};

/** The first words of paths. */
const tagDescriptions = new Map([
  ['audit', 'Who did what'],
  ['channels', 'Accounts at providers'],
  ['contacts', 'Persons who have sent or received something'],
  ['deliveries', 'Raw webhooks, as they were received'],
  ['events', 'Events as a stream'],
  ['health', 'Checks for those who run the service'],
  ['media', 'Pictures and other files, received or uploaded'],
  ['messages', 'Messages, received or sent'],
  ['index', 'Where everything is'],
  ['metrics', 'Numbers for Prometheus'],
  ['openapi', 'This document'],
  ['providers', 'Messaging providers, and what their channels need'],
  ['public', 'What providers fetch'],
  ['session', 'Signing in with a browser'],
  ['stats', 'Counts'],
  ['subscriptions', 'Events as requests to a URL'],
  ['tokens', 'API tokens'],
  ['webhooks', 'What providers call'],
]);

/** `publicUrl` is what all paths are appended to. `kinds` are the providers whose options a message may have. */
export function openApiDocument(publicUrl: string, kinds: readonly ProviderKind[] = []): object {
  const schemas = createSchemas();
  const paths = pathsOf(routes, schemas);
  const { name, ...posted } = eventWebhook;
  const post = { ...requestOperation(posted, schemas), tags: ['subscriptions'], security: [] };
  const { SendOptions: commonOptions = {}, ...components } = schemas.components();
  return {
    openapi: '3.1.0',
    info: { title: 'Inlet', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: publicUrl }],
    tags: [...new Set(routes.map(tagOf))].map((tag) => ({
      name: tag,
      description: tagDescriptions.get(tag),
    })),
    paths,
    webhooks: { [name]: { post } },
    components: { schemas: { ...components, ...sendOptionSchemas(commonOptions, kinds) }, securitySchemes },
  };
}

function pathsOf(all: readonly RouteDescription[], schemas: Schemas): Readonly<Record<string, object>> {
  const paths = new Map<string, Record<string, object>>();
  for (const route of all) {
    const path = paths.get(route.path) ?? {};
    path[route.method] = routeOperation(route, schemas);
    paths.set(route.path, path);
  }
  return Object.fromEntries(paths);
}
