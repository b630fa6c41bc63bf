/** `GET /openapi.json` for programs, and `/docs` for people: the same document, to read and to try out. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

import { Router, type Request, type Response } from 'express';

import type { ProviderKind } from '../../domain/provider-kind.js';
import { allowOnly } from '../middleware/errors.js';
import { pagePolicy } from '../middleware/security-headers.js';
import { openApiDocument } from '../openapi/document.js';
import { withSendOptions } from '../openapi/send-options.js';
import { docsPage, docsScript } from './docs-page.js';

const policy = pagePolicy({
  'script-src': ["'self'"],
  // Swagger UI sets styles on its elements.
  'style-src': ["'self'", "'unsafe-inline'"],
  // `data:` are its icons, `blob:` are pictures that it was answered with.
  'img-src': ["'self'", 'data:', 'blob:'],
  'connect-src': ["'self'"],
});

/** What the page needs of the package, and nothing else of it. */
const packageFiles = ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png'];

interface DocsServices {
  readonly publicUrl: string;
  readonly providers: readonly ProviderKind[];
}

export function docsRoutes({ publicUrl, providers }: DocsServices): Router {
  const router = Router();
  const { folder, version } = swaggerUi();
  const page = docsPage(`docs/${version}`);
  let made: { readonly text: string; readonly tag: string } | undefined;

  router.get('/openapi.json', (request: Request, response: Response) => {
    made ??= withTag(JSON.stringify(withSendOptions(openApiDocument(publicUrl), providers)));
    response.set({ ETag: made.tag, 'Cache-Control': 'no-cache' }).type('application/json');
    if (request.fresh) response.status(304).end();
    else response.send(made.text);
  });

  router.get('/docs', policy, (request: Request, response: Response) => {
    // The page names everything relative to its own address, so that it may stand behind a prefix.
    if (request.path.endsWith('/')) response.redirect(308, '../docs');
    else response.set('Cache-Control', 'no-cache').type('text/html').send(page);
  });

  router.get('/docs/docs.js', (_: Request, response: Response) => {
    response.set('Cache-Control', 'no-cache').type('text/javascript').send(docsScript);
  });

  const files = packageFiles.map((name) => `/docs/${version}/${name}`);
  router.get(files, (request: Request, response: Response) => {
    const name = packageFiles[files.indexOf(request.path)] ?? '';
    // An address holds the version, so it is the same bytes for ever.
    response.sendFile(name, { root: folder, immutable: true, maxAge: '1y' });
  });

  router.all(['/openapi.json', '/docs', '/docs/docs.js', ...files], allowOnly('GET, HEAD'));
  return router;
}

function swaggerUi(): { folder: string; version: string } {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('swagger-ui-dist/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { folder: dirname(manifest), version };
}

function withTag(text: string): { text: string; tag: string } {
  return { text, tag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}
