/** The pages for people: everything below `/admin` is one page, whose script finds out from the address what to show. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { Router, type Request, type Response } from 'express';

import { AppError } from '../../domain/errors.js';
import { ownValue } from '../../domain/own-value.js';
import { commandLine } from '../../infra/process/command-line.js';
import { projectFolder } from '../../infra/process/project-folder.js';
import { allowOnly } from '../middleware/errors.js';
import { pagePolicy } from '../middleware/security-headers.js';

/** Where the build puts them; the same place seen from `src` and from `dist`. */
const folder = join(projectFolder, 'dist/gallery');
const page = 'index.html';

/**
 * Nothing but this service's own files, and no script that is not a file: a stranger's text that got into a page could run
 * nothing and send nothing anywhere.
 */
const policy = pagePolicy({
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'blob:', 'data:'],
  'media-src': ["'self'", 'blob:'],
  'connect-src': ["'self'"],
  'form-action': ["'self'"],
});

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly zipped: Buffer;
}

/** Serves the gallery. Its files are few and small: they are read once, when the service starts. `base` is what all paths stand below. */
export function galleryRoutes(base: string): Router {
  const files = readFiles(base);
  const router = Router();
  router.use('/admin', policy);

  router.get('/admin/assets/:name', (request: Request, response: Response) => {
    const file = files.get(String(request.params['name']));
    if (!file) throw new AppError('request.not_found', 'there is no such file');
    response.set('Cache-Control', 'public, max-age=31536000, immutable');
    send(file, request, response);
  });

  router.get(['/admin', '/admin/*path'], (request: Request, response: Response) => {
    const file = files.get(page);
    if (!file) throw new AppError('request.not_found', 'the gallery is not built: npm run build');
    response.set('Cache-Control', 'no-store');
    send(file, request, response);
  });

  router.all(['/admin', '/admin/*path'], allowOnly('GET, HEAD'));
  return router;
}

function send({ type, bytes, zipped }: Asset, request: Request, response: Response): void {
  const zip = request.acceptsEncodings('gzip') === 'gzip';
  response.set({ 'Content-Type': type, Vary: 'Accept-Encoding', ...(zip && { 'Content-Encoding': 'gzip' }) });
  response.send(zip ? zipped : bytes);
}

/** None where nothing was built; then the API works all the same. */
function readFiles(base: string): ReadonlyMap<string, Asset> {
  const names = listed();
  return new Map(
    names.map((name) => {
      const file = readFileSync(join(folder, name));
      const bytes = name === page ? Buffer.from(filledIn(file.toString(), base)) : file;
      return [
        name,
        {
          type: ownValue(types, extname(name)) ?? 'application/octet-stream',
          bytes,
          zipped: gzipSync(bytes),
        },
      ];
    }),
  );
}

function filledIn(html: string, base: string): string {
  return html.replaceAll('{{base}}', base).replaceAll('{{tokenCommand}}', commandLine('token'));
}

function listed(): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
