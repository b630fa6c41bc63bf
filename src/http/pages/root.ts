/** `GET /`: people are led to the gallery, and programs are told where everything is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Router, type Request, type Response } from 'express';
import { z } from 'zod';

import { projectFolder } from '../../infra/process/project-folder.js';
import type { ApiRoute } from '../api-route.js';
import { allowOnly } from '../middleware/errors.js';
import { basePathOf } from '../middleware/base-path.js';

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
    .meta({ description: 'Where to go from here' }),
});

export const rootApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/',
    scope: null,
    summary: 'Get the name, the version and the most important addresses',
    description: 'Clients that prefer `text/html`, such as browsers, are redirected to the gallery.',
    answers: {
      200: { description: 'For programs', schema: index },
      302: { description: 'For browsers: the address of the gallery' },
    },
  },
];

export function rootRoutes({ publicUrl }: { readonly publicUrl: string }): Router {
  const gallery = `${basePathOf(publicUrl)}/admin`;
  const answer = {
    name: 'inlet',
    version: readVersion(),
    links: {
      gallery: `${publicUrl}/admin`,
      documentation: `${publicUrl}/docs`,
      openapi: `${publicUrl}/openapi.json`,
      health: `${publicUrl}/health/ready`,
    },
  } satisfies z.infer<typeof index>;
  const router = Router();
  router.get('/', (request: Request, response: Response) => {
    response.vary('Accept').set('Cache-Control', 'no-cache');
    if (request.accepts(['json', 'html']) === 'html') response.status(302).location(gallery).end();
    else response.json(answer);
  });
  router.all('/', allowOnly('GET, HEAD'));
  return router;
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
