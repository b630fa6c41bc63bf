/** `GET /openapi.json`. The document is made at the first request. */
import { createHash } from 'node:crypto';

import { z } from 'zod';

import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';

export const getOpenApiDocument = rawRoute(
  {
    method: 'get',
    path: '/openapi.json',
    scope: 'public',
    operationId: 'getOpenApiDocument',
    summary: 'Get this document',
    answers: {
      200: { description: 'The document', schema: z.looseObject({ openapi: z.string() }) },
      304: { description: 'The caller already has the current document' },
    },
  },
  ({ openApiDocument }: Pick<RouteServices, 'openApiDocument'>) => {
    let made: { readonly text: string; readonly tag: string } | undefined;
    return ({ request, response }) => {
      made ??= withTag(JSON.stringify(openApiDocument()));
      response.set({ ETag: made.tag, 'Cache-Control': 'no-cache' }).type('application/json');
      if (request.fresh) response.status(304).end();
      else response.send(made.text);
    };
  },
);

function withTag(text: string): { text: string; tag: string } {
  return { text, tag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}
