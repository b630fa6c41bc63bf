/** `/docs`: the document of `/openapi.json` for people, to read and to try out. */
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
  // `data:` are its icons, `blob:` are pictures that it was answered with.
  'img-src': ["'self'", 'data:', 'blob:'],
  'connect-src': ["'self'"],
});

/** What the page needs of the package, and nothing else of it. */
const packageFiles = ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png'];

export function docsRoutes(): Router {
  const router = Router();
  const { folder, version } = swaggerUi();
  const page = docsPage(`docs/${version}`);

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

  router.all(['/docs', '/docs/docs.js', ...files], allowOnly('GET, HEAD'));
  return router;
}

function swaggerUi(): { folder: string; version: string } {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve('swagger-ui-dist/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { folder: dirname(manifest), version };
}
