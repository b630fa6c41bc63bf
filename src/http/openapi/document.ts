/** Makes the OpenAPI document from the declarations of the routes. */
import type { ProviderKind } from '../../domain/provider-kind.js';
import { eventWebhook } from '../events/webhook.js';
import type { RouteDescription } from '../routing/route.js';
import { routes } from '../routes.js';
import { requestOperation, routeOperation, tagOf } from './operation.js';
import { createSchemas, type Schemas } from './schemas.js';
import { sendOptionSchemas } from './send-options.js';

const description = `Every picture your customers send, received once, kept, previewed and easy to find.

Send an API token as \`Authorization: Bearer …\`; \`inlet token\` creates one (in a clone: \`npm run token\`). Its scopes determine
what it may do: each operation names the required scope as \`x-scope\`, and \`admin\` includes all others. For a token that is limited to channels, other channels do not exist.

Errors are \`application/problem+json\` (RFC 9457). Programs should check \`code\`.`;

const linkDescription = 'Part of a signed link, see `POST /v1/media/{id}/link`.';
const securitySchemes = {
  token: { type: 'http', scheme: 'bearer' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'inlet_session',
    description:
      'Set by `POST /v1/session`. Methods other than GET also require the header `X-Inlet-Request: 1`.',
  },
  'link-expires': { type: 'apiKey', in: 'query', name: 'expires', description: linkDescription },
  'link-signature': { type: 'apiKey', in: 'query', name: 'signature', description: linkDescription },
};

/** The descriptions of the tags, which are the first words of the paths. */
const tagDescriptions = new Map([
  ['alerts', 'Alerts that last'],
  ['audit', 'The audit trail'],
  ['channels', 'Accounts at providers'],
  ['contacts', 'People who sent or received something, to erase them'],
  ['deliveries', 'Raw webhooks'],
  ['events', 'The stream of events'],
  ['export', 'Many media in one download'],
  ['favourites', 'Media that a user has starred'],
  ['health', 'Health checks'],
  ['media', 'Pictures and other files, received or uploaded'],
  ['messages', 'Messages, received or sent'],
  ['people', 'People and groups, and what was exchanged with each of them'],
  ['invitations', 'Links by which users set their password'],
  ['index', 'The most important addresses'],
  ['metrics', 'Metrics for Prometheus'],
  ['openapi', 'This document'],
  ['providers', 'Messaging providers and the settings of their channels'],
  ['public', 'Downloads for providers'],
  ['session', 'Sessions for browsers'],
  ['sign-in', 'Ways of signing in'],
  ['sessions', 'Sessions of users'],
  ['shared', 'Pages with shared files, for people who have the link'],
  ['holds', 'Legal holds: what must not be erased'],
  ['shares', 'Links to pages with files'],
  ['stats', 'Statistics'],
  ['subscriptions', 'Events that are posted to a URL'],
  ['tags', 'Tags of media'],
  ['tokens', 'API tokens'],
  ['users', 'People who sign in to the gallery'],
  ['views', 'Saved views: filters of the list of media'],
  ['webhooks', 'Webhooks of providers'],
]);

/** All paths are relative to `publicUrl`. The options of a message depend on the providers, `kinds`. */
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
