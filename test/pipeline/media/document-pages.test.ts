/** The turns of readers of a document, with the real process that draws pages. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { blobKey } from '../../../src/infra/files/blob-store.js';
import { createLocalBlobStore } from '../../../src/infra/files/local-blob-store.js';
import { createStaging } from '../../../src/infra/files/staging.js';
import { createIsolatedDecoder, type IsolatedDecoder } from '../../../src/infra/pictures/isolated-decoder.js';
import { createDocumentPages } from '../../../src/pipeline/media/document-pages.js';
import { pdfOf } from '../../support/pdf.js';

let folder: string;
let isolated: IsolatedDecoder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-test-pages-'));
  isolated = createIsolatedDecoder({ maxPixels: 10_000_000 });
});
afterAll(async () => {
  isolated.close();
  await rm(folder, { recursive: true });
});

async function stage() {
  const file = pdfOf([
    { width: 20, height: 20, rgb: [1, 0, 0] },
    { width: 20, height: 20, rgb: [0, 0, 1] },
  ]);
  const document = { sha256: createHash('sha256').update(file).digest('hex'), bytes: file.length };
  const blobs = createLocalBlobStore(folder);
  await blobs.put(blobKey(document.sha256), { data: file });
  const drawn: (number | 'all')[] = [];
  let isDrawing = (): void => undefined;
  const beginning = new Promise<void>((resolve) => {
    isDrawing = resolve;
  });
  const pages = createDocumentPages({
    blobs,
    staging: createStaging(join(folder, 'tmp')),
    isolated: {
      pages: (path, wanted, signal) => {
        drawn.push(wanted);
        isDrawing();
        return isolated.pages(path, wanted, signal);
      },
    },
  });
  return { document, drawn, pages, beginning };
}

it('a page that its reader has left is not drawn, and holds no place', async () => {
  const { document, drawn, pages } = await stage();
  const stays = new AbortController();
  const leaves = new AbortController();
  const first = pages.draw(document, 0, stays.signal);
  const left = Array.from({ length: 16 }, () =>
    pages.draw(document, 1, leaves.signal).catch((error: unknown) => error),
  );
  leaves.abort();
  for (const one of left) expect(await one).toMatchObject({ code: 'service.unavailable' });
  const second = pages.draw(document, 1, stays.signal);
  expect(await first).toBeInstanceOf(Buffer);
  expect(await second).toBeInstanceOf(Buffer);
  expect(drawn).toEqual([0, 1]);
});

it('a page that its reader leaves while it is drawn ends, and the next one is drawn', async () => {
  const { document, pages, beginning } = await stage();
  const leaves = new AbortController();
  const left = pages.draw(document, 0, leaves.signal).catch((error: unknown) => error);
  await beginning;
  leaves.abort();
  expect(await left).toMatchObject({ code: 'media.no_preview' });
  expect(await pages.draw(document, 1, new AbortController().signal)).toBeInstanceOf(Buffer);
});
