/** `GET /`: browsers are redirected to the gallery, and programs receive the addresses of the service. */
import { z } from 'zod';

import { basePathOf } from '../middleware/base-path.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';

const index = z.object({
  name: z.literal('inlet'),
  version: z.string(),
  links: z
    .object({
      gallery: z.url(),
      documentation: z.url(),
      openapi: z.url(),
      health: z.url(),
    })
    .meta({ description: 'The most important addresses' }),
});

export const getIndex = rawRoute(
  {
    method: 'get',
    path: '/',
    scope: 'public',
    operationId: 'getIndex',
    summary: 'Get the name, the version and the most important addresses',
    description: 'Clients that prefer `text/html`, such as browsers, are redirected to the gallery.',
    answers: {
      200: { description: 'For programs', schema: index },
      302: { description: 'For browsers: the address of the gallery' },
    },
  },
  ({ publicUrl, version }: Pick<RouteServices, 'publicUrl' | 'version'>) => {
    const gallery = `${basePathOf(publicUrl)}/admin`;
    const answer = {
      name: 'inlet',
      version,
      links: {
        gallery: `${publicUrl}/admin`,
        documentation: `${publicUrl}/docs`,
        openapi: `${publicUrl}/openapi.json`,
        health: `${publicUrl}/health/ready`,
      },
    } satisfies z.infer<typeof index>;
    return ({ request, response }) => {
      response.vary('Accept').set('Cache-Control', 'no-cache');
      if (request.accepts(['json', 'html']) === 'html') response.status(302).location(gallery).end();
      else response.json(answer);
    };
  },
);
