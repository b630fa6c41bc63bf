/** The route `/docs`, which displays the document of `/openapi.json` and lets people try requests. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

import { Router, type Request, type Response } from 'express';

import { allowOnly } from '../middleware/errors.js';
import { pagePolicy } from '../middleware/security-headers.js';
import { docsPage, docsScript } from './docs-page.js';

const policy = pagePolicy({
  'script-src': ["'self'"],
  // Swagger UI sets styles on its elements.
  'style-src': ["'self'", "'unsafe-inline'"],
  // Icons use `data:`, and pictures in responses use `blob:`.
  'img-src': ["'self'", 'data:', 'blob:'],
  'connect-src': ["'self'"],
});

/** The files of the package that the page needs; no others are served. */
const packageFiles = ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png'];

export function docsRoutes(): Router {
  const router = Router();
  const { folder, version } = swaggerUi();
  const page = docsPage(`docs/${version}`);

  router.get('/docs', policy, (request: Request, response: Response) => {
    // All addresses are relative to `/docs` without a slash, so that the page works below a path.
    if (request.path.endsWith('/')) response.redirect(308, '../docs');
    else response.set('Cache-Control', 'no-cache').type('text/html').send(page);
  });

  router.get('/docs/docs.js', (_: Request, response: Response) => {
    response.set('Cache-Control', 'no-cache').type('text/javascript').send(docsScript);
  });

  const files = packageFiles.map((name) => `/docs/${version}/${name}`);
  router.get(files, (request: Request, response: Response) => {
    const name = packageFiles[files.indexOf(request.path)] ?? '';
    // The address contains the version, so its content never changes.
    response.sendFile(name, { root: folder, immutable: true, maxAge: '1y' });
  });

  router.all(['/docs', '/docs/docs.js', ...files], allowOnly('GET, HEAD'));
  return router;
}

function swaggerUi(): { folder: string; version: string } {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('swagger-ui-dist/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { folder: dirname(manifest), version };
}
