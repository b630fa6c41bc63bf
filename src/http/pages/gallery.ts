/**
 * The gallery. Every address below `/admin` serves the same page, whose script chooses the content by the
 * address.
 */
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

/** The output folder of the build. It is the same from `src` and from `dist`. */
const folder = join(projectFolder, 'dist/gallery');
const page = 'index.html';
/** Files that keep their address from one version to the next, so that browsers ask for them again. */
const entries = ['manifest.webmanifest', 'share-worker.js'];

/**
 * Allows only files of this service and no inline scripts. Text from a stranger that got into a page could
 * therefore run nothing and send nothing.
 */
const policy = pagePolicy({
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'blob:', 'data:'],
  'media-src': ["'self'", 'blob:'],
  'connect-src': ["'self'"],
  'manifest-src': ["'self'"],
  'form-action': ["'self'"],
});

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.png': 'image/png',
};

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly zipped: Buffer;
}

/**
 * Serves the gallery. Its files are few and small, so they are read once, at the start. `base` is the path of
 * `PUBLIC_URL`.
 */
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

  for (const name of entries)
    router.get(`/admin/${name}`, (request: Request, response: Response) => {
      const file = files.get(name);
      if (!file) throw new AppError('request.not_found', 'the gallery is not built: npm run build');
      response.set('Cache-Control', 'no-cache');
      send(file, request, response);
    });

  // What other apps share is received by a worker in the browser (src/gallery/shared). Without one the file
  // is not read here either, because nothing proves who sent it; the page says that it did not arrive.
  router.post('/admin/share-target', (_request: Request, response: Response) => {
    response.redirect(303, `${base}/admin/sent?shared`);
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

/** The built files by name; none if the gallery is not built, in which case the API still works. */
function readFiles(base: string): ReadonlyMap<string, Asset> {
  const names = listed();
  return new Map(
    names.map((name) => {
      const file = readFileSync(join(folder, name));
      const isTemplate = name === page || entries.includes(name);
      const bytes = isTemplate ? Buffer.from(filledIn(file.toString(), base)) : file;
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
